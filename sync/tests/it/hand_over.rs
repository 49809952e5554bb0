//! A notification that hit a waiter which then goes away reaches the next: never lost, never
//! doubled.

use crate::counting_waker::Count;
use millpond_sync::{Left, WaitList, Waiter, WaiterState};
use std::sync::Arc;
use std::task::{Context, Poll};

#[test]
fn a_cancelled_waiter_passes_its_notification_on() {
    let list = WaitList::new();
    let ((_, first), (second_count, second)) = (Count::waker(), Count::waker());
    let (first, second) = (list.enter(&first), list.enter(&second));
    list.notify_one();
    assert_eq!(second_count.get(), 0);
    assert_eq!(list.cancel(first), Left::NotifiedOne);
    assert_eq!(second_count.get(), 1);
    assert_eq!(list.state(&second), WaiterState::NotifiedOne);
    assert_eq!(list.cancel(second), Left::NotifiedOne, "nobody is left to take it");
}

#[test]
fn a_waiter_that_leaves_keeps_its_notification() {
    let list = WaitList::new();
    let ((_, first), (second_count, second)) = (Count::waker(), Count::waker());
    let (first, second) = (list.enter(&first), list.enter(&second));
    list.notify_one();
    let left = list.leave(first);
    assert_eq!((left, second_count.get()), (Left::NotifiedOne, 0));
    list.pass_on(left);
    assert_eq!(second_count.get(), 1);
    assert!(list.leave(second).was_notified());
}

#[test]
fn a_cancelled_waiter_without_a_notification_wakes_nobody() {
    let list = WaitList::new();
    let ((_, first), (second_count, second)) = (Count::waker(), Count::waker());
    let (first, second) = (list.enter(&first), list.enter(&second));
    assert_eq!(list.cancel(first), Left::Waiting);
    assert_eq!(second_count.get(), 0);
    assert_eq!(list.leave(second), Left::Waiting);
}

#[test]
fn a_dropped_waiter_passes_on_and_may_own_its_list() {
    let list = Arc::new(WaitList::new());
    let ((_, first), (second_count, second)) = (Count::waker(), Count::waker());
    let mut owner = Waiter::new(Arc::clone(&list));
    owner.enter(&first);
    let mut borrower = Waiter::new(&*list);
    borrower.enter(&second);
    list.notify_one();
    drop(owner);
    assert_eq!(second_count.get(), 1);
    assert_eq!(borrower.leave(), Some(Left::NotifiedOne));
}

#[test]
fn an_attempt_that_panics_passes_its_notification_on() {
    let list = WaitList::new();
    let ((_, first), (second_count, second)) = (Count::waker(), Count::waker());
    let mut doomed = Waiter::new(&list);
    let poll = doomed.poll(&mut Context::from_waker(&first), || None::<()>);
    assert_eq!(poll, Poll::Pending);
    let second = list.enter(&second);
    list.notify_one();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        doomed.poll(&mut Context::from_waker(&first), || -> Option<()> { panic!("the attempt failed") })
    }));
    assert!(outcome.is_err());
    assert_eq!(second_count.get(), 1);
    assert!(list.leave(second).was_notified());
}

#[test]
fn a_waker_that_panics_does_not_keep_the_others_asleep() {
    struct Bomb;
    impl std::task::Wake for Bomb {
        fn wake(self: Arc<Self>) {
            panic!("a waker that panics");
        }
    }
    let list = WaitList::new();
    let bomb = list.enter(&Arc::new(Bomb).into());
    let (count, waker) = Count::waker();
    let other = list.enter(&waker);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| list.notify_all()));
    assert!(outcome.is_err());
    assert_eq!(count.get(), 1);
    assert_eq!((list.leave(bomb), list.leave(other)), (Left::NotifiedAll, Left::NotifiedAll));
}
