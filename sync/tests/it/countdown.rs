//! Counting down to 0, and the latch that opens there.

use crate::counting_waker::Count;
use crate::mutex::poll;
use millpond_sync::{BelowZero, Countdown, Latch, Parker};
use std::thread;
use std::time::Duration;

#[test]
fn those_who_wait_go_on_at_zero_although_it_goes_up_right_after() {
    let countdown = Countdown::new(2);
    let (count, waker) = Count::waker();
    let mut future = countdown.wait_async();
    assert!(poll(&mut future, &waker).is_pending());
    assert_eq!(countdown.down(1), Ok(1));
    assert_eq!(count.get(), 0);
    assert_eq!(countdown.down(1), Ok(0));
    countdown.up(1);
    assert_eq!(count.get(), 1);
    assert!(poll(&mut future, &waker).is_ready());
    assert!(!countdown.wait_timeout(Duration::ZERO));
    countdown.clear();
    countdown.wait();
}

#[test]
fn going_below_zero_is_refused_and_changes_nothing() {
    let countdown = Countdown::new(1);
    assert_eq!(countdown.down(2), Err(BelowZero { count: 1, by: 2 }));
    assert_eq!(countdown.down(2).unwrap_err().to_string(), "counting down by `2` from `1`; count up first");
    assert_eq!(countdown.count(), 1);
}

#[test]
fn a_million_is_counted_in_as_much_memory_as_one() {
    assert!(size_of::<Countdown>() <= 64);
    let countdown = Countdown::new(1_000_000);
    assert_eq!(countdown.down(1_000_000), Ok(0));
}

#[test]
fn a_latch_opens_once_all_have_arrived() {
    let latch = Latch::new(3);
    thread::scope(|scope| {
        let threads = [0; 2].map(|_| scope.spawn(|| latch.arrive_and_wait()));
        while latch.waiting() < 2 {
            thread::yield_now();
        }
        assert!(!latch.wait_timeout(Duration::ZERO));
        assert_eq!((latch.missing(), latch.is_open()), (1, false));
        assert!(latch.arrive(), "the last one opens it");
        assert_eq!(threads.map(|thread| thread.join().unwrap()), [false, false]);
    });
    assert!(!latch.arrive() && latch.is_open());
    Parker::block_on(latch.wait_async());
}

#[test]
#[should_panic(expected = "a latch has at least 1 party")]
fn a_latch_for_nobody_is_refused() {
    let _latch = Latch::new(0);
}
