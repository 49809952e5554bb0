//! How a run ends: with all of its threads, or because nobody can go on.
//!
//! A run that cannot go on has a *verdict*, which the caller is told by a panic. From then on nobody is resumed, and who would wait is told so
//! as well.

use std::thread;

use super::{CALLER, Scheduler, Status};
use crate::decider::Turn;

/// The payload of the panic that takes apart the job of a thread which is in the middle of it when its simulation is over.
#[derive(Debug)]
#[non_exhaustive]
pub struct Dismissed;

impl Scheduler {
    /// Says who waits for what will not come.
    pub(super) fn deadlock(&self) -> String {
        let state = self.state.borrow();
        let waiting: Vec<String> = state
            .threads
            .iter()
            .enumerate()
            .filter(|(place, thread)| *place == self.current.get() || matches!(thread.status, Status::Parked { .. }))
            .map(|(_, thread)| state.trace.thread(thread.who).to_string())
            .collect();
        let locks = self.locks();
        format!("a deadlock: {} can wait for ever{}", waiting.join(", "), locks)
    }

    /// Says who waits for which lock and who holds it. Locks have numbers, in the order of who waits for them.
    fn locks(&self) -> String {
        let state = self.state.borrow();
        let named = |thread: &super::Thread| state.trace.thread(thread.who).to_string();
        let waits: Vec<_> = state
            .threads
            .iter()
            .filter_map(|thread| thread.parker.awaited().map(|awaited| (named(thread), awaited)))
            .collect();
        let mut text = String::new();
        for (name, awaited) in &waits {
            let is_first = |place: &usize| waits[*place].1.is_for_the_lock_of(awaited);
            let first = (0..waits.len()).find(is_first).expect("it is one of them");
            let earlier: Vec<_> = (0..first)
                .filter(|&place| (0..place).all(|before| !waits[before].1.is_for_the_lock_of(&waits[place].1)))
                .collect();
            let number = earlier.len() + 1;
            let holder = awaited.holder().map_or("nobody", |holder| {
                let waits = waits.iter().find(|(_, other)| other.owner == holder);
                waits.map_or("a thread that waits for no lock", |(name, _)| name)
            });
            text += &format!("; {name} waits for lock {number}, which {holder} holds");
        }
        text
    }

    /// The run cannot go on: says why, and panics in the caller.
    pub(super) fn give_up(&self, verdict: String) {
        if self.verdict.borrow().is_none() {
            *self.verdict.borrow_mut() = Some(verdict);
        }
        if self.is_of_caller() {
            self.is_over.set(true);
            self.refuse_to_wait();
        } else {
            // On the caller's stack, where nothing stands between the panic and whoever started the simulation.
            self.is_over.set(true);
            self.switch(Some(CALLER));
        }
    }

    /// Panics with the verdict, unless a panic is under way.
    pub(super) fn refuse_to_wait(&self) {
        if self.is_dismissing.get() && !thread::panicking() {
            std::panic::resume_unwind(Box::new(Dismissed));
        }
        if !self.is_unwinding() {
            self.has_told.set(true);
            let verdict = self.verdict.borrow().clone().unwrap_or_else(|| "it is over".to_owned());
            let text = format!("the simulation of seed {} cannot go on: {verdict}", self.options.seed);
            if !self.options.is_quiet {
                eprintln!("{}", self.report());
            } else {
                std::panic::resume_unwind(Box::new(text));
            }
            panic!("{text}");
        }
    }

    /// Runs all threads to their ends.
    pub(crate) fn finish(&self) {
        debug_assert!(self.is_of_caller(), "the caller ends a run");
        if self.is_over.get() {
            return;
        }
        self.is_ending.set(true);
        if self.state.borrow().alive > 1 {
            let next = self.choose(&mut self.state.borrow_mut(), Turn::Parks);
            self.switch(next);
        }
        let stuck = (self.state.borrow().alive > 1).then(|| {
            let state = self.state.borrow();
            let waiting = state.threads.iter().skip(1).filter(|thread| thread.status != Status::Done);
            let names: Vec<String> = waiting.map(|thread| state.trace.thread(thread.who).to_string()).collect();
            format!("at its end {} did not end", names.join(", "))
        });
        self.is_over.set(true);
        if let Some(stuck) = stuck
            && self.verdict.borrow().is_none()
        {
            *self.verdict.borrow_mut() = Some(stuck);
        }
    }

    /// Lets all fibers go, when nobody is in the simulation any more but the caller. What is in the middle of a job on a stack stays there
    /// for good; what is so on a thread is taken apart by a panic.
    pub(crate) fn end_fibers(&self) {
        self.is_dismissing.set(true);
        let count = self.state.borrow().threads.len();
        for place in 0..count {
            self.current.set(place);
            let fiber = self.state.borrow_mut().threads[place].fiber.take();
            drop(fiber);
        }
        self.current.set(CALLER);
        let crew = self.state.borrow_mut().crew.take();
        drop(crew);
    }

    /// Whether somebody was told of the verdict by a panic.
    pub(crate) fn has_told(&self) -> bool {
        self.has_told.get()
    }
}
