//! What a simulation makes go wrong, and when.
//!
//! There are faults that a graph must get over without its reader noticing anything (slow tasks, another size, waits that are cut
//! short, tasks that come and go) and faults that end something (functions that fail or panic, tasks that are removed). Each is drawn
//! from the seed where it could happen, and written down, so that it happens there again when the run is replayed, or not when it
//! is left out in shrinking.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::options::Simulation;
use super::random::Random;

/// What is to go wrong in a simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    fails: u32,
    panics: u32,
    slows: u32,
    cancels: u32,
    resizes: u32,
    visits: u32,
    removals: u32,
    chosen: Vec<(Arc<str>, u64, bool)>,
}

impl Faults {
    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { fails: 0, panics: 0, slows: 0, cancels: 0, resizes: 0, visits: 0, removals: 0, chosen: Vec::new() }
    }

    /// All that a reader must not notice: slow tasks, changes of the size, tasks that come and go.
    #[must_use]
    pub fn harmless() -> Self {
        Self::none().slow(30).resize(2).visit(2)
    }

    /// Of the chunks that tasks are given, one in so many fails with an error at a drawn item; 0 for none.
    #[must_use]
    pub fn fail(self, one_in: u32) -> Self {
        Self { fails: one_in, ..self }
    }

    /// Of the chunks that tasks are given, one in so many panics at a drawn item; 0 for none.
    #[must_use]
    pub fn panic(self, one_in: u32) -> Self {
        Self { panics: one_in, ..self }
    }

    /// The task of this name fails with an error at the call of this number, counted from 0 in the order of the calls.
    #[must_use]
    pub fn fail_at(mut self, task: impl Into<Arc<str>>, call: u64) -> Self {
        self.chosen.push((task.into(), call, false));
        self
    }

    /// The task of this name panics at the call of this number, counted from 0 in the order of the calls.
    #[must_use]
    pub fn panic_at(mut self, task: impl Into<Arc<str>>, call: u64) -> Self {
        self.chosen.push((task.into(), call, true));
        self
    }

    /// Of the chunks that tasks are given, one in so many takes up to a quarter of a second more, by the simulation's clock; 0 for none.
    #[must_use]
    pub fn slow(self, one_in: u32) -> Self {
        Self { slows: one_in, ..self }
    }

    /// Of the waits that have a time-out, one in so many times out at once; 0 for none.
    #[must_use]
    pub fn cancel(self, one_in: u32) -> Self {
        Self { cancels: one_in, ..self }
    }

    /// The pool is given another size this often, 0 included.
    #[must_use]
    pub fn resize(self, times: u32) -> Self {
        Self { resizes: times, ..self }
    }

    /// This often two tasks are added, read from, and dropped before their end.
    #[must_use]
    pub fn visit(self, times: u32) -> Self {
        Self { visits: times, ..self }
    }

    /// This often a drawn task is removed.
    #[must_use]
    pub fn remove(self, times: u32) -> Self {
        Self { removals: times, ..self }
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::none()
    }
}

/// A fault and what was drawn for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Planned {
    /// The function fails at this item of its chunk.
    Fail(usize),
    /// It panics.
    Panic(usize),
    /// It takes this many nanoseconds more.
    Slow(u64),
    /// A wait times out.
    Cancel,
    /// The pool gets this size.
    Resize(usize),
    /// Tasks come, are read from for so many items, and go.
    Visit(usize),
    /// The task of this number, of as many as there are, is removed.
    Remove(usize),
}

/// Where faults of a kind are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Call,
    Wait,
    Step,
}

impl Planned {
    fn class(self) -> Class {
        match self {
            Self::Fail(_) | Self::Panic(_) | Self::Slow(_) => Class::Call,
            Self::Cancel => Class::Wait,
            Self::Resize(_) | Self::Visit(_) | Self::Remove(_) => Class::Step,
        }
    }

    /// From its word in a schedule and its number.
    pub(super) fn parse(word: &str, number: Option<u64>) -> Option<Self> {
        let items = number.and_then(|number| usize::try_from(number).ok());
        Some(match word {
            "fail" => Self::Fail(items?),
            "panic" => Self::Panic(items?),
            "slow" => Self::Slow(number?),
            "cancel" => Self::Cancel,
            "resize" => Self::Resize(items?),
            "visit" => Self::Visit(items?),
            "remove" => Self::Remove(items?),
            _ => return None,
        })
    }

    /// Its word in a schedule and its number.
    pub(super) fn word(self) -> (&'static str, Option<u64>) {
        match self {
            Self::Fail(at) => ("fail", Some(at as u64)),
            Self::Panic(at) => ("panic", Some(at as u64)),
            Self::Slow(nanos) => ("slow", Some(nanos)),
            Self::Cancel => ("cancel", None),
            Self::Resize(size) => ("resize", Some(size as u64)),
            Self::Visit(items) => ("visit", Some(items as u64)),
            Self::Remove(which) => ("remove", Some(which as u64)),
        }
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fail(at) => write!(f, "fails at item {at} of the chunk"),
            Self::Panic(at) => write!(f, "panics at item {at} of the chunk"),
            Self::Slow(nanos) => write!(f, "takes {:?}", std::time::Duration::from_nanos(*nanos)),
            Self::Cancel => f.write_str("a wait times out"),
            Self::Resize(size) => write!(f, "the pool gets size {size}"),
            Self::Visit(items) => write!(f, "tasks come, are read for {items} items, and go"),
            Self::Remove(which) => write!(f, "task {which} is removed"),
        }
    }
}

/// A fault that happened, or shall, and when: at which call, wait or step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Injected {
    pub(super) at: u64,
    pub(super) what: Planned,
}

/// Says at each place where something could go wrong whether it does.
pub(super) struct Injector {
    faults: Faults,
    random: Random,
    /// What is replayed; nothing is drawn then.
    replayed: Option<Vec<Injected>>,
    calls: u64,
    waits: u64,
    /// How often each task was called, where that matters.
    called: HashMap<Arc<str>, u64>,
    /// What is to happen at steps, the next one last.
    mischief: Vec<Injected>,
    injected: Vec<Injected>,
}

impl Injector {
    pub(super) fn new(options: &Simulation) -> Self {
        let faults = options.faults.clone();
        let mut random = Random::new(options.seed, 4);
        let replayed = options.replayed.as_ref().map(|schedule| schedule.faults.clone());
        let mut mischief: Vec<Injected> = match &replayed {
            Some(faults) => faults.iter().filter(|fault| fault.what.class() == Class::Step).copied().collect(),
            None => draw_mischief(&faults, &mut random),
        };
        mischief.sort_by_key(|fault| fault.at);
        mischief.reverse();
        Self {
            faults,
            random,
            replayed,
            calls: 0,
            waits: 0,
            called: HashMap::new(),
            injected: mischief.iter().rev().copied().collect(),
            mischief,
        }
    }

    /// What happened so far, and what is to happen beside the tasks.
    pub(super) fn injected(&self) -> &[Injected] {
        &self.injected
    }

    /// What goes wrong as the function of `task` is given `items` items.
    pub(super) fn at_call(&mut self, task: &str, items: usize) -> Option<Planned> {
        self.calls += 1;
        let at = self.calls;
        let what = match &self.replayed {
            Some(faults) => replayed(faults, Class::Call, at),
            None => self.draw_call(task, items),
        };
        self.inject(at, what)
    }

    /// So many of the items that `task` was given last, it has not begun.
    pub(super) fn not_called(&mut self, task: &str, items: usize) {
        if let Some(called) = self.called.get_mut(task) {
            *called = called.saturating_sub(items as u64);
        }
    }

    fn draw_call(&mut self, task: &str, items: usize) -> Option<Planned> {
        if !self.faults.chosen.is_empty() {
            let before = self.called.get(task).copied().unwrap_or(0);
            let after = before + items.max(1) as u64;
            self.called.insert(task.into(), after);
            let is_now = |(name, call, _): &&(Arc<str>, u64, bool)| &**name == task && (before..after).contains(call);
            if let Some((_, call, is_panic)) = self.faults.chosen.iter().find(is_now) {
                let at = usize::try_from(call - before).unwrap_or(0);
                return Some(if *is_panic { Planned::Panic(at) } else { Planned::Fail(at) });
            }
        }
        let at = |random: &mut Random| random.below(items.max(1) as u64) as usize;
        let Self { faults, random, .. } = self;
        if one_in(random, faults.fails) {
            Some(Planned::Fail(at(random)))
        } else if one_in(random, faults.panics) {
            Some(Planned::Panic(at(random)))
        } else if one_in(random, faults.slows) {
            Some(Planned::Slow(1 << random.below(28)))
        } else {
            None
        }
    }

    /// Whether a wait with a time-out times out at once.
    pub(super) fn cancels_wait(&mut self) -> bool {
        self.waits += 1;
        let at = self.waits;
        let what = match &self.replayed {
            Some(faults) => replayed(faults, Class::Wait, at),
            None => one_in(&mut self.random, self.faults.cancels).then_some(Planned::Cancel),
        };
        self.inject(at, what).is_some()
    }

    fn inject(&mut self, at: u64, what: Option<Planned>) -> Option<Planned> {
        self.injected.extend(what.map(|what| Injected { at, what }));
        what
    }

    /// What goes wrong next beside the tasks.
    pub(super) fn next_mischief(&mut self) -> Option<Injected> {
        self.mischief.pop()
    }

    /// Whether anything may go wrong within tasks.
    pub(super) fn has_call_faults(&self) -> bool {
        let Faults { fails, panics, slows, chosen, .. } = &self.faults;
        self.replayed.is_some() || *fails > 0 || *panics > 0 || *slows > 0 || !chosen.is_empty()
    }

    /// Whether anything is to go wrong beside the tasks.
    pub(super) fn has_mischief(&self) -> bool {
        !self.mischief.is_empty()
    }
}

fn replayed(faults: &[Injected], class: Class, at: u64) -> Option<Planned> {
    faults.iter().find(|fault| fault.at == at && fault.what.class() == class).map(|fault| fault.what)
}

fn one_in(random: &mut Random, many: u32) -> bool {
    many > 0 && random.below(u64::from(many)) == 0
}

fn draw_mischief(faults: &Faults, random: &mut Random) -> Vec<Injected> {
    let mut all = Vec::new();
    let mut draw = |times: u32, make: &mut dyn FnMut(&mut Random) -> Planned| {
        for _ in 0..times {
            // Runs are of any length, so as often early as late.
            let horizon = 2 << random.below(12);
            let at = 1 + random.below(horizon);
            let what = make(random);
            all.push(Injected { at, what });
        }
    };
    draw(faults.resizes, &mut |random| Planned::Resize(random.below(5) as usize));
    draw(faults.visits, &mut |random| Planned::Visit(1 + random.below(30) as usize));
    draw(faults.removals, &mut |random| Planned::Remove(random.below(64) as usize));
    all
}
