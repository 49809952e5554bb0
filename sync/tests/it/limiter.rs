//! The limiter: one token for each borrower, whatever the total is changed to.

use crate::counting_waker::Count;
use crate::mutex::poll;
use millpond_sync::{BorrowError, Limiter, NotBorrowed};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

#[test]
fn a_borrower_has_one_token() {
    let limiter = Limiter::new(2);
    let one = limiter.borrow("a").unwrap();
    assert_eq!(limiter.borrow("a").err(), Some(BorrowError::Already));
    let two = limiter.borrow("b").unwrap();
    assert_eq!(limiter.borrow_timeout("c", Duration::ZERO).err(), Some(BorrowError::TimedOut));
    assert_eq!((limiter.borrowers(), limiter.available()), (vec!["a", "b"], 0));
    assert_eq!((one.key(), limiter.has_borrowed(&"b")), (&"a", true));
    drop((one, two));
    assert_eq!((limiter.borrowed(), limiter.total()), (0, 2));
    assert_eq!(limiter.give_back(&"a"), Err(NotBorrowed));
}

#[test]
fn more_tokens_let_in_who_waits_and_no_more_than_there_are() {
    let limiter = Limiter::new(2);
    let held = [limiter.borrow(0).unwrap(), limiter.borrow(1).unwrap()];
    limiter.set_total(1);
    let wakers = [(); 2].map(|()| Count::waker());
    let mut waits = [2, 3].map(|key| Box::pin(limiter.borrow_async(key)));
    for (future, (_, waker)) in waits.iter_mut().zip(&wakers) {
        assert!(poll(future, waker).is_pending());
    }
    // Two are borrowed of one: a total of two has none free.
    limiter.set_total(2);
    assert_eq!(wakers[0].0.get(), 0);
    limiter.set_total(3);
    assert_eq!((wakers[0].0.get(), wakers[1].0.get()), (1, 0));
    let Poll::Ready(Ok(token)) = poll(&mut waits[0], Waker::noop()) else { panic!("it was granted") };
    assert_eq!(limiter.borrowers(), [0, 1, 2]);
    drop(held);
    assert!(matches!(poll(&mut waits[1], Waker::noop()), Poll::Ready(Ok(_))));
    drop(token);
}

#[test]
fn one_that_goes_away_gives_its_token_to_the_next() {
    let limiter = Limiter::new(1);
    let held = limiter.borrow(0).unwrap();
    let mut waits = [1, 2].map(|key| Box::pin(limiter.borrow_async(key)));
    waits.iter_mut().for_each(|future| assert!(poll(future, Waker::noop()).is_pending()));
    drop(held);
    assert_eq!(limiter.borrowers(), [1]);
    let [first, mut second] = waits;
    drop(first);
    assert_eq!(limiter.borrowers(), [2]);
    assert!(poll(&mut second, Waker::noop()).is_ready());
}

#[test]
fn who_waits_twice_is_refused_the_second_time() {
    let limiter = Limiter::new(1);
    let held = limiter.borrow(0).unwrap();
    let mut waits = [1, 1].map(|key| Box::pin(limiter.borrow_async(key)));
    waits.iter_mut().for_each(|future| assert!(poll(future, Waker::noop()).is_pending()));
    drop(held);
    assert!(matches!(poll(&mut waits[1], Waker::noop()), Poll::Ready(Err(BorrowError::Already))));
    assert!(matches!(poll(&mut waits[0], Waker::noop()), Poll::Ready(Ok(_))));
    assert_eq!(limiter.borrowed(), 0);
}

#[test]
fn never_more_than_the_total_are_inside() {
    let (limiter, inside) = (Limiter::new(2), std::sync::atomic::AtomicUsize::new(0));
    thread::scope(|scope| {
        for key in 0..4 {
            let (limiter, inside) = (&limiter, &inside);
            scope.spawn(move || {
                for _ in 0..1_000 {
                    let _token = limiter.borrow(key).unwrap();
                    assert!(inside.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 2);
                    inside.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!((limiter.borrowed(), limiter.waiting()), (0, 0));
}
