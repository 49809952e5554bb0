//! A function with state, called for one item after the other, in order.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Head, Next};
use crate::gate::Pass;
use crate::lane::{Firing, Inlet, Taken};
use millpond_workers::Cause;

/// What a sequential task's function makes of an item. See [`Task::decide`](crate::Task::decide).
#[derive(Debug)]
pub enum Verdict<U> {
    /// This.
    Give(U),
    /// Nothing; go on.
    Skip,
    /// Nothing, and nothing of what follows: the output ends.
    Stop,
    /// It failed.
    Fail(Cause),
}

/// See the [module documentation](self).
pub(crate) struct Sequential<'env, T, F> {
    inlet: Inlet<'env, T>,
    function: F,
    /// How many items it was given since the last chunk that it made.
    given: usize,
}

impl<'env, T: Send + 'env, F> Sequential<'env, T, F> {
    /// With a function that may be interrupted: it says that it failed and puts the item into its second argument.
    pub(crate) fn interruptible(inlet: Inlet<'env, T>, function: F) -> Self {
        Self { inlet, function, given: 0 }
    }

    pub(crate) fn new<U>(
        inlet: Inlet<'env, T>,
        mut function: F,
    ) -> Sequential<'env, T, impl FnMut(T, &mut Option<T>) -> Verdict<U> + Send + use<'env, T, U, F>>
    where
        F: FnMut(T) -> Verdict<U> + Send,
    {
        Sequential::interruptible(inlet, move |item, _: &mut Option<T>| function(item))
    }
}

impl<'env, T, U, F> Head<'env, U> for Sequential<'env, T, F>
where
    T: Send + 'env,
    F: FnMut(T, &mut Option<T>) -> Verdict<U> + Send,
{
    fn make(&mut self, out: &mut Vec<U>, firing: &mut Firing<'_, 'env>) -> Next {
        let next = self.make_uncounted(out, firing);
        // What makes no chunk is taken down nowhere: it counts with the chunk that comes next.
        if !out.is_empty() || !next.goes_on() {
            firing.set_given(std::mem::take(&mut self.given));
        }
        next
    }

    fn retract(&mut self, pass: &Pass<'_>) {
        self.inlet.retract(pass);
    }
}

impl<'env, T: Send + 'env, F> Sequential<'env, T, F> {
    fn make_uncounted<U>(&mut self, out: &mut Vec<U>, firing: &mut Firing<'_, 'env>) -> Next
    where
        F: FnMut(T, &mut Option<T>) -> Verdict<U>,
    {
        let order = firing.order;
        loop {
            let items = match self.inlet.take(firing.pass, order.least, order.most, order.missing) {
                Taken::Items(items) => items,
                Taken::Starved => return Next::Starved,
                Taken::End => return Next::End,
                Taken::Failed(error) => return Next::Upstream(error),
            };
            out.reserve_exact(items.len());
            let mut items = items.into_iter();
            let Self { inlet, function, given } = self;
            let mut watch = firing.watch();
            let mut back = None;
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                while items.len() > 0 && watch.goes_on() {
                    let Some(item) = items.next() else { break };
                    *given += 1;
                    match function(item, &mut back) {
                        Verdict::Give(result) => out.push(result),
                        Verdict::Skip => {}
                        Verdict::Stop => return Some(Next::End),
                        Verdict::Fail(cause) => return Some(Next::Fail(cause)),
                    }
                }
                None
            }));
            let is_through = items.len() == 0;
            let next = match outcome {
                Ok(Some(Next::Fail(Cause::Error(cause)))) if back.is_some() => {
                    *given -= 1;
                    firing.interrupt(cause);
                    if out.is_empty() { Next::Stopped } else { Next::More }
                }
                Ok(None) if out.is_empty() && is_through => continue,
                // Stopped before it has made anything: it has what it needs once it is asked again.
                Ok(None) if out.is_empty() => Next::Stopped,
                Ok(None) => Next::More,
                Ok(Some(next)) => next,
                Err(payload) => Next::Fail(Cause::panic(payload)),
            };
            inlet.give_back(back.into_iter().chain(items).collect());
            return next;
        }
    }
}
