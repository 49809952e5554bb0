//! Waiters that are given what they wait for, in the turn in which it was released.

use crate::counting_waker::Count;
use millpond_sync::{Grants, Turn, WaiterState};
use std::task::{Wake, Waker};

#[test]
fn a_grant_goes_to_the_waiter_that_came_first_and_carries_a_value() {
    let grants: Grants<(), Option<u32>> = Grants::new(());
    let ((first_count, first), (second_count, second)) = (Count::waker(), Count::waker());
    let first = grants.turn().enter(first, None);
    let second = grants.turn().enter(second, None);
    let mut turn = grants.turn();
    *turn.grant_first().unwrap() = Some(7);
    assert_eq!((turn.waiting(), first_count.get()), (1, 0), "wakers are called after the turn");
    drop(turn);
    assert_eq!((first_count.get(), second_count.get()), (1, 0));
    assert_eq!(grants.turn().leave(first), (WaiterState::Granted, Some(7)));
    assert_eq!(grants.turn().leave(second), (WaiterState::Waiting, None));
}

#[test]
fn a_waker_is_called_when_the_lock_is_free() {
    struct Looks(&'static Grants<(), ()>);
    impl Wake for Looks {
        fn wake(self: std::sync::Arc<Self>) {
            assert!(self.0.try_turn().is_some());
        }
    }
    let grants: &'static Grants<(), ()> = Box::leak(Box::new(Grants::new(())));
    let tickets: Vec<_> =
        (0..3).map(|_| grants.turn().enter(Waker::from(std::sync::Arc::new(Looks(grants))), ())).collect();
    let mut turn = grants.turn();
    while turn.grant_first().is_some() {}
    drop(turn);
    tickets.into_iter().for_each(|ticket| assert_eq!(grants.turn().leave(ticket).0, WaiterState::Granted));
}

#[test]
fn a_waker_that_panics_does_not_keep_the_others_asleep() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: std::sync::Arc<Self>) {
            panic!("a waker that panics");
        }
    }
    let grants: Grants<(), ()> = Grants::new(());
    let _bomb = grants.turn().enter(Waker::from(std::sync::Arc::new(Bomb)), ());
    let (count, waker) = Count::waker();
    let _other = grants.turn().enter(waker, ());
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut turn = grants.turn();
        while turn.grant_first().is_some() {}
    }));
    assert!(outcome.is_err());
    assert_eq!(count.get(), 1);
}

#[test]
fn one_that_enters_at_the_front_is_first() {
    let grants: Grants<(), u32> = Grants::new(());
    let _last = grants.turn().enter(Waker::noop().clone(), 1);
    let _first = grants.turn().enter_first(Waker::noop().clone(), 2);
    let mut turn: Turn<'_, (), u32> = grants.turn();
    assert_eq!(turn.first(), Some(&mut 2));
    assert_eq!(turn.grant_first(), Some(&mut 2));
    assert_eq!(turn.grant_first(), Some(&mut 1));
    assert_eq!(turn.grant_first(), None);
}

#[test]
#[should_panic(expected = "is not of this list; use it with the list that gave it")]
fn a_ticket_of_another_list_is_refused() {
    let (grants, other): (Grants<(), ()>, Grants<(), ()>) = (Grants::new(()), Grants::new(()));
    let ticket = other.turn().enter(Waker::noop().clone(), ());
    let _left = grants.turn().leave(ticket);
}

#[test]
fn debug_shows_the_state_and_never_waits() {
    let grants: Grants<u32, ()> = Grants::new(3);
    assert_eq!(format!("{grants:?}"), "Grants { state: 3, waiting: 0, .. }");
    let _turn = grants.turn();
    assert_eq!(format!("{grants:?}"), "Grants { .. }");
}
