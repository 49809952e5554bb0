//! Queues whose two ends are one object: puts, gets, cancels and shut-downs that race.

use loom::thread;
use millpond_channel::{GetError, PutError, Queue};
use millpond_sync::Deadline;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Instant;

/// One for an execution of the model. Leaked: after a deadlock loom's own types cannot be dropped.
fn queue(limit: u64) -> &'static Queue<u32> {
    Box::leak(Box::new(Queue::bounded(limit)))
}

fn poll<F: Future + Unpin>(future: &mut F) -> bool {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// ```text
/// fickle   get: in the list ──── dropped: the item goes on ──┐
/// getter                         get ────────────────────────┴─ has it
/// main     put 7
/// ```
#[test]
fn an_item_of_a_getter_that_goes_away_reaches_the_next() {
    loom::model(|| {
        let queue = queue(9);
        let mut fickle = queue.get_async();
        assert!(!poll(&mut fickle));
        let getter = thread::spawn(|| queue.get());
        let other = thread::spawn(move || drop(fickle));
        queue.put(7).unwrap();
        assert_eq!(getter.join().unwrap(), Ok(7));
        other.join().unwrap();
        assert_eq!((queue.len(), queue.waiting()), (0, (0, 0)));
    });
}

/// ```text
/// hasty    get until now: has the item, or none and it stays in
/// main     put 7
/// ```
#[test]
fn a_get_that_times_out_has_an_item_or_leaves_it() {
    loom::model(|| {
        let queue = queue(9);
        let now = Instant::now();
        let hasty = thread::spawn(move || queue.get_deadline(Deadline::at(now)));
        queue.put(7).unwrap();
        let has_it = hasty.join().unwrap().is_ok();
        assert_eq!((queue.len(), queue.waiting()), (usize::from(!has_it), (0, 0)));
    });
}

/// ```text
/// putter   put 2 … goes in, or comes back
/// getter   get 1
/// main     shut down
/// ```
#[test]
fn a_shut_down_that_races_with_a_put_and_a_get_loses_nothing() {
    loom::model(|| {
        let queue = queue(1);
        queue.put(1).unwrap();
        let putter = thread::spawn(|| queue.put(2));
        let getter = thread::spawn(|| queue.get());
        queue.shut_down();
        assert_eq!(getter.join().unwrap(), Ok(1));
        match putter.join().unwrap() {
            Ok(()) => assert_eq!(queue.get(), Ok(2)),
            error => assert_eq!(error, Err(PutError::ShutDown(2))),
        }
        assert_eq!(queue.get(), Err(GetError::ShutDown));
    });
}
