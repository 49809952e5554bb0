//! When something goes wrong: at each place where it could, by the seed or as it was written down.

use std::collections::HashMap;
use std::sync::Arc;

use super::faults::{Class, Faults, Injected, Planned};
use super::options::Simulation;
use super::random::Random;

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
