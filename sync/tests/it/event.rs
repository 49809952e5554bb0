//! The event: everybody who waits at a `set` goes on.

use crate::counting_waker::Count;
use crate::mutex::poll;
use millpond_sync::{Event, Parker};
use std::thread;
use std::time::Duration;

#[test]
fn threads_and_tasks_go_on_when_it_is_set() {
    let event = Event::new();
    thread::scope(|scope| {
        let thread = scope.spawn(|| event.wait_timeout(Duration::MAX));
        let task = scope.spawn(|| Parker::block_on(event.wait_async()));
        while event.waiting() < 2 {
            thread::yield_now();
        }
        assert!(event.set());
        assert!(thread.join().unwrap());
        task.join().unwrap();
    });
    assert!(!event.set());
    event.wait();
}

#[test]
fn who_waited_at_the_set_goes_on_although_it_is_cleared_right_after() {
    let event = Event::new();
    let (count, waker) = Count::waker();
    let mut future = event.wait_async();
    assert!(poll(&mut future, &waker).is_pending());
    event.set();
    assert!(event.clear());
    assert!(!event.clear());
    assert_eq!(count.get(), 1);
    assert!(poll(&mut future, &waker).is_ready());
    let mut late = event.wait_async();
    assert!(poll(&mut late, &waker).is_pending());
    drop(late);
    assert_eq!(event.waiting(), 0);
}

#[test]
fn a_wait_for_what_does_not_come_times_out() {
    let event = Event::new();
    assert!(!event.wait_timeout(Duration::ZERO));
    assert!(!event.wait_timeout(Duration::from_millis(1)));
    assert_eq!(format!("{event:?}"), "Event { is_set: false, .. }");
}

#[test]
fn many_tasks_are_woken_once_each() {
    let event = Event::new();
    let mut futures: Vec<_> = (0..2_000).map(|_| (event.wait_async(), Count::waker())).collect();
    for (future, (_, waker)) in &mut futures {
        assert!(poll(future, waker).is_pending());
    }
    event.set();
    for (future, (count, waker)) in &mut futures {
        assert_eq!(count.get(), 1);
        assert!(poll(future, waker).is_ready());
    }
}
