//! Futures in the list, beside threads.

use crate::counting_waker::Count;
use millpond_sync::WaitList;
use std::cell::Cell;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

#[test]
fn a_future_is_ready_at_once_when_there_is_something() {
    let list = WaitList::new();
    let mut future = pin!(list.wait_async(|| Some(3)));
    assert_eq!(future.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())), Poll::Ready(3));
    assert_eq!(list.waiting(), 0);
}

use std::future::Future;

#[test]
fn a_pending_future_is_woken_and_then_ready() {
    let (list, gate) = (WaitList::new(), Cell::new(None));
    let (count, waker) = Count::waker();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(list.wait_async(|| gate.get()));
    assert_eq!(future.as_mut().poll(&mut context), Poll::Pending);
    gate.set(Some(9));
    list.notify_one();
    assert_eq!(count.get(), 1);
    assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(9));
}

#[test]
fn a_future_polled_with_another_waker_wakes_that_one() {
    let (list, gate) = (WaitList::new(), Cell::new(None));
    let ((old_count, old), (new_count, new)) = (Count::waker(), Count::waker());
    let mut future = pin!(list.wait_async(|| gate.get()));
    assert_eq!(future.as_mut().poll(&mut Context::from_waker(&old)), Poll::Pending);
    assert_eq!(future.as_mut().poll(&mut Context::from_waker(&new)), Poll::Pending);
    assert_eq!(list.waiting(), 1);
    gate.set(Some(()));
    list.notify_one();
    assert_eq!((old_count.get(), new_count.get()), (0, 1));
}

#[test]
fn a_future_that_got_what_it_was_notified_for_wakes_nobody_else() {
    let (list, tokens) = (WaitList::new(), Cell::new(0));
    let take = || (tokens.get() > 0).then(|| tokens.set(tokens.get() - 1));
    let ((_, first), (second_count, second)) = (Count::waker(), Count::waker());
    let mut taker = Box::pin(list.wait_async(take));
    let mut other = Box::pin(list.wait_async(take));
    assert_eq!(taker.as_mut().poll(&mut Context::from_waker(&first)), Poll::Pending);
    assert_eq!(other.as_mut().poll(&mut Context::from_waker(&second)), Poll::Pending);
    tokens.set(1);
    list.notify_one();
    assert_eq!(taker.as_mut().poll(&mut Context::from_waker(&first)), Poll::Ready(()));
    drop(taker);
    assert_eq!(second_count.get(), 0);
}

#[test]
fn a_dropped_future_passes_its_notification_to_a_blocked_thread() {
    let (list, tokens) = (WaitList::new(), AtomicUsize::new(0));
    let take = || tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| tokens.checked_sub(1)).ok();
    let (_, waker) = Count::waker();
    let mut future = Box::pin(list.wait_async(take));
    assert_eq!(future.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending);
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| list.wait_until(take));
        while list.waiting() < 2 {
            std::thread::yield_now();
        }
        tokens.store(1, Ordering::Relaxed);
        assert_eq!(list.notify_one(), 1, "it hits the future, which came first");
        drop(future);
        assert_eq!(thread.join().unwrap(), 1);
    });
}
