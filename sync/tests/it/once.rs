//! What is made once: cells, and calls that are under way.

use crate::counting_waker::Count;
use crate::mutex::poll;
use millpond_sync::{OnceCell, Parker, SingleFlight};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::thread;

#[test]
fn a_value_is_made_once_by_threads_and_tasks() {
    let (cell, made) = (OnceCell::new(), AtomicUsize::new(0));
    let make = || made.fetch_add(1, Ordering::Relaxed) + 7;
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert_eq!(cell.get_or_init(make), &7));
            scope.spawn(|| assert_eq!(Parker::block_on(cell.get_or_init_async(async || make())), &7));
        }
    });
    assert_eq!((made.into_inner(), cell.set(8), cell.into_inner()), (1, Err(8), Some(7)));
}

#[test]
fn a_failure_and_a_panic_leave_the_cell_to_the_next() {
    let cell = OnceCell::new();
    assert_eq!(cell.get_or_try_init(|| Err(1)), Err(1));
    assert!(catch_unwind(AssertUnwindSafe(|| cell.get_or_init(|| panic!("not made")))).is_err());
    assert_eq!(cell.get(), None);
    assert_eq!(cell.set(5), Ok(()));
    assert_eq!(format!("{cell:?}"), "OnceCell { value: Some(5), .. }");
}

#[test]
fn a_future_that_is_dropped_while_it_makes_the_value_leaves_that_to_the_next() {
    let (cell, gate) = (OnceCell::new(), Cell::new(false));
    let (count, waker) = Count::waker();
    let never = std::future::pending::<u32>;
    let mut first = Box::pin(cell.get_or_init_async(never));
    assert!(poll(&mut first, Waker::noop()).is_pending());
    let mut second = Box::pin(cell.get_or_init_async(async || {
        gate.set(true);
        3
    }));
    assert!(poll(&mut second, &waker).is_pending());
    assert_eq!(cell.set(9), Err(9), "it is being made");
    drop(first);
    assert_eq!((count.get(), gate.get()), (1, false));
    assert_eq!(poll(&mut second, &waker), Poll::Ready(&3));
}

#[test]
fn one_that_was_to_make_the_value_and_goes_away_leaves_that_to_the_next() {
    let cell = OnceCell::new();
    let mut futures = [0, 1, 2].map(|number| Box::pin(cell.get_or_init_async(move || std::future::ready(number))));
    let mut first = Box::pin(cell.get_or_init_async(std::future::pending::<u32>));
    assert!(poll(&mut first, Waker::noop()).is_pending());
    futures.iter_mut().for_each(|future| assert!(poll(future, Waker::noop()).is_pending()));
    drop(first);
    let [second, mut third, mut fourth] = futures;
    drop(second);
    assert_eq!(poll(&mut third, Waker::noop()), Poll::Ready(&1));
    assert_eq!(poll(&mut fourth, Waker::noop()), Poll::Ready(&1));
}

#[test]
fn a_flight_is_shared_by_who_comes_meanwhile_and_ends_with_its_call() {
    let (flights, calls) = (SingleFlight::new(), Cell::new(0));
    let call = |number: u32| {
        let calls = &calls;
        async move || {
            calls.set(calls.get() + 1);
            number
        }
    };
    assert_eq!(Parker::block_on(flights.run_async("a", call(1))), 1);
    assert_eq!(Parker::block_on(flights.run_async("a", call(2))), 2);
    let mut first = Box::pin(flights.run_async("a", std::future::pending));
    assert!(poll(&mut first, Waker::noop()).is_pending());
    let mut others = [3, 4].map(|number| Box::pin(flights.run_async("a", call(number))));
    others.iter_mut().for_each(|future| assert!(poll(future, Waker::noop()).is_pending()));
    assert_eq!((flights.waiting(&"a"), flights.run("b", || 5)), (2, 5));
    drop(first);
    assert_eq!(others.map(|mut future| poll(&mut future, Waker::noop())), [Poll::Ready(3), Poll::Ready(3)]);
    assert_eq!(calls.get(), 3);
    assert_eq!(format!("{flights:?}"), "SingleFlight { under_way: 0, .. }");
}

#[test]
fn a_call_that_panics_leaves_nothing_under_way() {
    let flights: SingleFlight<u32, u32> = SingleFlight::new();
    assert!(catch_unwind(AssertUnwindSafe(|| flights.run(1, || panic!("no")))).is_err());
    assert_eq!(format!("{flights:?}"), "SingleFlight { under_way: 0, .. }");
    assert_eq!(flights.run(1, || 2), 2);
}
