//! Waits that end by the clock.

use millpond_sync::{Deadline, Parker, WaitList};
use std::time::{Duration, Instant};

#[test]
fn a_time_out_that_the_clock_cannot_express_means_never() {
    assert_eq!(Deadline::after(Duration::MAX), Deadline::NEVER);
    assert_eq!(Deadline::NEVER.remaining(), None);
    assert!(!Deadline::NEVER.has_passed());
}

#[test]
fn a_moment_that_has_passed_leaves_no_time() {
    let deadline = Deadline::at(Instant::now());
    assert!(deadline.has_passed());
    assert_eq!(deadline.remaining(), Some(Duration::ZERO));
}

#[test]
fn a_wait_that_times_out_has_tried_and_leaves_the_list() {
    let list = WaitList::new();
    let mut attempts = 0;
    let value = list.wait_until_deadline(Instant::now(), || {
        attempts += 1;
        None::<()>
    });
    assert_eq!(value, None);
    assert!(attempts >= 1);
    assert_eq!(list.waiting(), 0);
}

#[test]
fn a_wait_lasts_until_its_deadline_although_it_is_woken_in_between() {
    let list = WaitList::new();
    let deadline = Deadline::after(Duration::from_millis(20));
    std::thread::scope(|scope| {
        scope.spawn(|| while !deadline.has_passed() && list.notify_one() < 2 {});
        assert_eq!(list.wait_until_deadline(deadline, || None::<()>), None);
        assert!(deadline.has_passed());
    });
}

#[test]
fn a_park_takes_a_wake_up_that_came_before_it() {
    Parker::with(|parker| {
        parker.waker().wake_by_ref();
        parker.waker().wake_by_ref();
        assert!(parker.park_deadline(Deadline::NEVER));
        assert!(!parker.park_deadline(Deadline::at(Instant::now())), "two wake-ups make one token");
    });
}
