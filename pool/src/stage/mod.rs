//! What happens to a chunk after the head: functions that any number of workers apply to different chunks at once.

mod chunk;
mod expand;
mod in_place;
mod map;
mod operator;
mod retry;

pub(crate) use chunk::MapChunk;
pub use expand::Expander;
pub(crate) use expand::{Expand, FlatMap};
pub(crate) use map::Each;
pub(crate) use operator::Operate;
pub use operator::{Items, Operator, Outcome, Wanted};
pub(crate) use retry::{Pause, Retrying};
pub use retry::{Retry, Waits};

use std::any::Any;

use crate::gate::Pass;
use crate::guarded::Guarded;
use crate::injected;
use crate::lane::{Firing, Interrupted, One, Rest, Single, Work, next_key};
use millpond_workers::discard::{discard, discard_all};

/// Items on their way into a stage.
pub(crate) struct Batch<A, O> {
    /// What the stage has begun and not ended, of the item before these.
    pub(crate) open: Option<O>,
    pub(crate) items: Vec<A>,
}

impl<A, O> Batch<A, O> {
    /// How many items these are, the one that was begun among them.
    pub(crate) fn len(&self) -> usize {
        self.items.len() + usize::from(self.open.is_some())
    }

    /// Drops what is in it. Does not unwind.
    fn discard(self) {
        discard(self.open);
        discard_all(self.items);
    }
}

/// What a stage has made, and what it has not begun, where it has stopped before.
pub(crate) type Ran<A, O, B> = (Vec<B>, Option<Batch<A, O>>);

/// A stage that opens nothing gives at most one result for an item.
pub(crate) enum Nothing {}

/// A function over chunks, applied by any number of workers at once.
pub(crate) trait Stage<A, B>: Send + Sync {
    /// What it may have begun of an item when it stops.
    type Open: Send;

    /// Makes items into what comes after them; [marks](Firing::mark) what it was given, and [fails](Firing::fail) at the
    /// item that it cannot get past, giving what came of those before. Stops where its [watch](Firing::watch) says so.
    fn run(&self, batch: Batch<A, Self::Open>, firing: &mut Firing<'_, '_>) -> Ran<A, Self::Open, B>;

    /// Makes one item into at most one; only for stages of lanes that neither expand nor want chunks.
    ///
    /// Where the function is interrupted, the item goes into `back`.
    fn one(&self, item: A, back: &mut Option<A>) -> One<B>;

    /// Shows `see` what is in a rest, where the stage knows.
    fn show(&self, _batch: &Batch<A, Self::Open>, _see: &mut dyn FnMut(&dyn Any)) {}
}

/// The rests of chunks that a stage keeps, each with its key.
struct Rests<A, O>(Vec<(u64, Batch<A, O>)>);

impl<A, O> Default for Rests<A, O> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<A, O> Drop for Rests<A, O> {
    fn drop(&mut self) {
        self.0.drain(..).for_each(|(_, batch)| batch.discard());
    }
}

/// The work of a lane with one stage more.
pub(crate) struct Staged<'env, A, O, S> {
    before: Box<dyn Work<'env, A> + 'env>,
    stage: S,
    /// Which task of the lane it is.
    task: usize,
    /// What it has not begun of chunks that were cut.
    rests: Guarded<Rests<A, O>>,
}

impl<'env, A, O, S> Staged<'env, A, O, S> {
    /// A stage after `before`, as the task of this number.
    pub(crate) fn new(
        before: Box<dyn Work<'env, A> + 'env>,
        stage: S,
        task: usize,
        core: &crate::core::Core<'env>,
    ) -> Self {
        Self { before, stage, task, rests: Guarded::new(core.gate(), Rests::default()) }
    }

    /// Takes a rest out.
    fn take(&self, pass: &Pass<'_>, key: u64) -> Option<Batch<A, O>> {
        self.rests.with(pass, |rests| {
            let place = rests.0.iter().position(|(name, _)| *name == key)?;
            Some(rests.0.swap_remove(place).1)
        })
    }

    fn run<B>(&self, batch: Batch<A, O>, firing: &mut Firing<'_, 'env>) -> Vec<B>
    where
        S: Stage<A, B, Open = O>,
    {
        let (results, rest) = injected::call(batch, firing, |batch, firing| self.stage.run(batch, firing));
        if let Some(rest) = rest {
            self.keep(rest, firing);
        }
        results
    }

    /// The stage was interrupted at a single item.
    #[cold]
    fn put_back<B>(&self, pass: &Pass<'_>, item: Option<A>, made: One<B>) -> One<B> {
        let cause = match made {
            One::Fail(cause) => cause.into_error(),
            _ => "interrupted".into(),
        };
        let rest = Rest { task: self.task, key: next_key() };
        self.rests
            .with(pass, |rests| rests.0.push((rest.key, Batch { open: None, items: item.into_iter().collect() })));
        One::Interrupted(Box::new(Interrupted { rest, cause }))
    }

    /// The stage has stopped before it was through.
    #[cold]
    fn keep(&self, rest: Batch<A, O>, firing: &mut Firing<'_, 'env>) {
        if firing.keeps_rest(self.task) {
            let key = firing.leave(self.task, rest.len());
            self.rests.with(firing.pass, |rests| rests.0.push((key, rest)));
        } else {
            rest.discard();
        }
    }
}

impl<'env, A: Send, B, S: Stage<A, B>> Work<'env, B> for Staged<'env, A, S::Open, S> {
    fn fire(&self, firing: &mut Firing<'_, 'env>) -> Option<Vec<B>> {
        let items = self.before.fire(firing)?;
        Some(self.run(Batch { open: None, items }, firing))
    }

    fn resume(&self, rest: Rest, firing: &mut Firing<'_, 'env>) -> Vec<B> {
        let batch = if rest.task == self.task {
            // Dropped meanwhile, where the lane was cancelled.
            self.take(firing.pass, rest.key).unwrap_or(Batch { open: None, items: Vec::new() })
        } else {
            Batch { open: None, items: self.before.resume(rest, firing) }
        };
        self.run(batch, firing)
    }

    fn split(&self, pass: &Pass<'_>, rest: Rest, items: usize, key: u64) {
        if rest.task != self.task {
            return self.before.split(pass, rest, items, key);
        }
        self.rests.with(pass, |rests| {
            if let Some((_, from)) = rests.0.iter_mut().find(|(name, _)| *name == rest.key) {
                let open = from.open.take();
                let count = (items - usize::from(open.is_some())).min(from.items.len());
                // The front is the smaller part: what is left moves up, or becomes the front of its own list.
                let others = from.items.split_off(count);
                let items = std::mem::replace(&mut from.items, others);
                rests.0.push((key, Batch { open, items }));
            }
        });
    }

    fn drop_rests(&self, pass: &Pass<'_>, rest: Option<Rest>) {
        match rest {
            Some(rest) if rest.task == self.task => self.take(pass, rest.key).into_iter().for_each(Batch::discard),
            Some(_) => self.before.drop_rests(pass, rest),
            None => {
                drop(self.rests.with(pass, std::mem::take));
                self.before.drop_rests(pass, None);
            }
        }
    }

    fn show(&self, pass: &Pass<'_>, see: &mut dyn FnMut(&dyn Any)) {
        self.before.show(pass, see);
        self.rests.look(pass, |rests| rests.0.iter().for_each(|(_, batch)| self.stage.show(batch, see)));
    }

    fn one(&self, single: &mut Single<'_>) -> One<B> {
        match self.before.one(single) {
            One::Item(item) => {
                single.reach();
                let mut back = None;
                let made = self.stage.one(item, &mut back);
                if back.is_some() { self.put_back(single.pass, back, made) } else { made }
            }
            One::Interrupted(interrupted) => One::Interrupted(interrupted),
            One::Skipped => One::Skipped,
            One::NotHere => One::NotHere,
            One::End => One::End,
            One::Fail(cause) => One::Fail(cause),
        }
    }

    fn clear(&self, pass: &Pass<'_>) {
        self.before.clear(pass);
    }

    fn dismantle(self: Box<Self>) {
        let Self { before, stage, rests, .. } = *self;
        before.dismantle();
        drop(rests);
        discard(stage);
    }
}
