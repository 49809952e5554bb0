//! Every interleaving of small waits, and broken protocols that must be found. Run by `ci/loom.sh`.
#![cfg(loom)]

#[path = "loom/locks.rs"]
mod locks;

use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use loom::thread;
use millpond_sync::fault::{self, WaitFault};
use millpond_sync::{Deadline, Parker, WaitList, Waiter, wait_on_any};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Instant;

/// A list and the tokens that its waiters want.
struct Gate {
    list: WaitList,
    tokens: AtomicUsize,
}

impl Gate {
    /// One for an execution of the model. Leaked: after a deadlock loom's own types cannot be
    /// dropped.
    fn new() -> &'static Self {
        Box::leak(Box::new(Self { list: WaitList::new(), tokens: AtomicUsize::new(0) }))
    }

    /// Takes a token, if there is one.
    fn take(&self) -> Option<()> {
        self.tokens.fetch_update(Relaxed, Relaxed, |tokens| tokens.checked_sub(1)).ok().map(drop)
    }

    fn give(&self, count: usize) {
        self.tokens.fetch_add(count, Relaxed);
        self.list.notify(count);
    }
}

/// Lets a thread of the model run `body` with the gate.
fn spawn<T: 'static>(gate: &'static Gate, body: impl FnOnce(&Gate) -> T + 'static) -> thread::JoinHandle<T> {
    thread::spawn(move || body(gate))
}

/// ```text
/// waiter   try(0)   enter+fence   try   park ──────┐
/// notifier        tokens=1   fence   waiting?  wake┘
/// ```
/// Wherever the notifier's steps fall, the waiter's second try sees the token or the notifier sees
/// the waiter.
fn one_waiter_and_one_token() {
    loom::model(move || {
        let gate = Gate::new();
        let waiter = spawn(gate, |gate| gate.list.wait_until(|| gate.take()));
        let notifier = spawn(gate, |gate| gate.give(1));
        waiter.join().unwrap();
        notifier.join().unwrap();
        assert_eq!((gate.tokens.load(Relaxed), gate.list.waiting()), (0, 0));
    });
}

#[test]
fn a_wake_up_at_any_moment_is_not_lost() {
    one_waiter_and_one_token();
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_lost_wakeup_without_the_fence_is_found() {
    fault::set(WaitFault::NoFence);
    one_waiter_and_one_token();
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_lost_wakeup_of_a_waiter_that_is_not_counted_is_found() {
    fault::set(WaitFault::CountedLate);
    one_waiter_and_one_token();
}

/// ```text
/// waiter   try(0)                            enter   park ── for ever
/// notifier         tokens=1   waiting? no
/// ```
#[test]
#[should_panic(expected = "deadlock")]
fn a_lost_wakeup_without_a_try_after_entering_is_found() {
    loom::model(|| {
        let gate = Gate::new();
        let waiter = spawn(gate, |gate| {
            Parker::with(|parker| {
                while gate.take().is_none() {
                    let ticket = gate.list.enter(parker.waker());
                    parker.park();
                    let _left = gate.list.leave(ticket);
                }
            });
        });
        let notifier = spawn(gate, |gate| gate.give(1));
        waiter.join().unwrap();
        notifier.join().unwrap();
    });
}

/// ```text
/// waiter                  try(0)   enter   try(0)   park ── for ever
/// notifier  waiting? no                                     tokens=1
/// ```
#[test]
#[should_panic(expected = "deadlock")]
fn a_lost_wakeup_of_a_notifier_that_notifies_first_is_found() {
    loom::model(|| {
        let gate = Gate::new();
        let waiter = spawn(gate, |gate| gate.list.wait_until(|| gate.take()));
        let notifier = spawn(gate, |gate| {
            gate.list.notify_one();
            gate.tokens.fetch_add(1, Relaxed);
        });
        waiter.join().unwrap();
        notifier.join().unwrap();
    });
}

/// ```text
/// waiter a   try … park ─────────┐         each takes one token,
/// waiter b   try … park ─────────┼──┐      whoever is hit by which wake-up
/// notifier        give(1) ───────┘  │
///                 give(1) ──────────┘
/// ```
#[test]
fn two_waiters_share_two_tokens() {
    loom::model(|| {
        let gate = Gate::new();
        let waiters = [0; 2].map(|_| spawn(gate, |gate| gate.list.wait_until(|| gate.take())));
        gate.give(1);
        gate.give(1);
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        assert_eq!((gate.tokens.load(Relaxed), gate.list.waiting()), (0, 0));
    });
}

/// ```text
/// fickle   enter ─────────── cancel ──pass on──┐
/// waiter            try   enter   try   park ──┴─ takes it
/// notifier     give(1): hits fickle, or the waiter, or nobody
/// ```
fn a_waiter_that_goes_away() {
    loom::model(move || {
        let gate = Gate::new();
        let fickle = spawn(gate, |gate| {
            let ticket = gate.list.enter(Waker::noop());
            let _left = gate.list.cancel(ticket);
        });
        let waiter = spawn(gate, |gate| gate.list.wait_until(|| gate.take()));
        gate.give(1);
        fickle.join().unwrap();
        waiter.join().unwrap();
    });
}

#[test]
fn a_waiter_that_goes_away_passes_its_wake_up_on() {
    a_waiter_that_goes_away();
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_wakeup_lost_with_a_waiter_that_goes_away_is_found() {
    fault::set(WaitFault::NoPassingOn);
    a_waiter_that_goes_away();
}

/// ```text
/// hasty    try(0)  enter  try  park ── time is up ── leave ──pass on──┐
/// waiter   try(0)  enter  try  park ──────────────────────────────────┴─ takes it
/// main     give(1), and another one if hasty was in time
/// ```
#[test]
fn a_waiter_that_times_out_takes_its_token_or_leaves_it() {
    loom::model(|| {
        let gate = Gate::new();
        let now = Instant::now();
        let hasty = spawn(gate, move |gate| gate.list.wait_until_deadline(now, || gate.take()));
        let waiter = spawn(gate, |gate| gate.list.wait_until(|| gate.take()));
        gate.give(1);
        if hasty.join().unwrap().is_some() {
            gate.give(1);
        }
        waiter.join().unwrap();
        assert_eq!((gate.tokens.load(Relaxed), gate.list.waiting()), (0, 0));
    });
}

/// ```text
/// future   poll: try(0)  enter  try(0)  pending ── dropped ──pass on──┐
/// waiter                 try  enter  try  park ───────────────────────┴─ takes it
/// main             give(1), and another one if the future was ready
/// ```
#[test]
fn a_future_that_is_dropped_passes_its_wake_up_to_a_thread() {
    loom::model(|| {
        let gate = Gate::new();
        let future = spawn(gate, |gate| {
            let mut future = pin!(gate.list.wait_async(|| gate.take()));
            future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
        });
        let waiter = spawn(gate, |gate| gate.list.wait_until(|| gate.take()));
        gate.give(1);
        if future.join().unwrap() {
            gate.give(1);
        }
        waiter.join().unwrap();
    });
}

/// ```text
/// waiters a, b   try … park ──┐
/// closer         tokens=2  notify_all wakes both, or they see the tokens
/// ```
#[test]
fn a_notification_for_all_reaches_all() {
    loom::model(|| {
        let gate = Gate::new();
        let waiters = [0; 2].map(|_| spawn(gate, |gate| gate.list.wait_until(|| gate.take())));
        gate.tokens.fetch_add(2, Relaxed);
        gate.list.notify_all();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    });
}

/// ```text
/// waiter   enters a   enters b   try   park ──┐
/// giver        tokens=1           notify b ───┘
/// other    only notifies a: a wake-up that brings nothing
/// ```
#[test]
fn a_wait_on_two_lists_is_woken_by_either() {
    loom::model(|| {
        let gate = Gate::new();
        let other: &WaitList = Box::leak(Box::new(WaitList::new()));
        let waiter = spawn(gate, move |gate| {
            let mut waiters = [Waiter::new(other), Waiter::new(&gate.list)];
            wait_on_any(&mut waiters, Deadline::NEVER, || gate.take())
        });
        let giver = spawn(gate, |gate| gate.give(1));
        other.notify_one();
        assert_eq!(waiter.join().unwrap(), Some(()));
        giver.join().unwrap();
        assert_eq!((other.waiting(), gate.list.waiting()), (0, 0));
    });
}
