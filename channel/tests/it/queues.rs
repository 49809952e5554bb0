//! Queues whose two ends are one object: order, room, shutting down, and everything exactly once.

use millpond_channel::{DoneTooOften, GetError, LifoQueue, PriorityQueue, PutError, Queue};
use millpond_sync::{Mutex, Parker, Select};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn items_leave_in_the_order_of_the_queue() {
    let fifo: Queue<u32> = [3, 1, 2].into_iter().collect();
    let lifo: LifoQueue<u32> = [3, 1, 2].into_iter().collect();
    let priority: PriorityQueue<(u32, &str)> = [(3, "a"), (1, "b"), (3, "c"), (1, "d")].into_iter().collect();
    fifo.shut_down();
    lifo.shut_down();
    priority.shut_down();
    assert!(fifo.iter().eq([3, 1, 2]));
    assert!(lifo.iter().eq([2, 1, 3]));
    assert!(priority.iter().eq([(1, "b"), (1, "d"), (3, "a"), (3, "c")]));
}

#[test]
fn what_does_not_fit_waits_in_order_or_comes_back() {
    let queue = Queue::bounded(1);
    queue.put(1).unwrap();
    assert_eq!(queue.try_put(2).unwrap_err().into_inner(), 2);
    let timed_out = queue.put_timeout(3, Duration::from_millis(1)).unwrap_err();
    assert_eq!(format!("{timed_out:?} {}", timed_out.into_inner()), "TimedOut(..) 3");
    let (mut one, mut two) = (queue.put_async(4), queue.put_async(5));
    assert!(poll(&mut one).is_pending() && poll(&mut two).is_pending());
    assert_eq!(queue.waiting(), (0, 2));
    assert_eq!(queue.get(), Ok(1));
    assert_eq!((queue.len(), queue.waiting()), (1, (0, 1)), "the room is the first putter's before it runs");
    assert!(poll(&mut one).is_ready() && poll(&mut two).is_pending());
    queue.set_limit(2);
    assert_eq!((poll(&mut two), queue.limit()), (Poll::Ready(Ok(())), 2));
    assert_eq!(queue.try_get_many(9), Ok(vec![4, 5]));
}

#[test]
fn an_item_that_a_dropped_future_was_given_goes_to_the_next_or_back_to_its_place() {
    let queue = Queue::new();
    let (mut one, mut two, mut three) = (queue.get_async(), queue.get_async(), queue.get_async());
    assert!(poll(&mut one).is_pending() && poll(&mut two).is_pending() && poll(&mut three).is_pending());
    queue.put(1).unwrap();
    queue.put(2).unwrap();
    drop(one);
    assert_eq!(poll(&mut three), Poll::Ready(Ok(1)), "the next who waits has it");
    queue.put(3).unwrap();
    drop(two);
    assert_eq!(queue.try_get_many(9), Ok(vec![2, 3]), "it is back in front");

    let (mut one, mut two) = (queue.get_many_async(2), queue.get_async());
    assert!(poll(&mut one).is_pending() && poll(&mut two).is_pending());
    queue.put(4).unwrap();
    queue.put(5).unwrap();
    queue.put(6).unwrap();
    drop(two);
    drop(one);
    assert_eq!(queue.try_get_many(9), Ok(vec![4, 5, 6]), "whatever the order in which they go away");
}

#[test]
fn putters_go_in_when_one_that_waits_before_them_goes_away() {
    let queue: Queue<&str> = Queue::bounded_by(4, |item| item.len() as u64);
    queue.put("abc").unwrap();
    let (mut large, mut small) = (queue.put_async("defg"), queue.put_async("h"));
    assert!(poll(&mut large).is_pending() && poll(&mut small).is_pending(), "in order, although it would fit");
    assert!(queue.try_put("").is_err());
    drop(large);
    assert_eq!(poll(&mut small), Poll::Ready(Ok(())));
    assert_eq!((queue.total_weight(), queue.len()), (4, 2));
    assert_eq!(queue.get_many(2), Ok(vec!["abc", "h"]));
    queue.put("heavier than four").unwrap();
    assert_eq!(queue.try_put("i").unwrap_err().into_inner(), "i");
    assert_eq!(queue.get(), Ok("heavier than four"));
}

#[test]
fn after_a_shut_down_getters_drain_and_putters_are_told() {
    let queue = Queue::bounded(1);
    queue.put(1).unwrap();
    thread::scope(|scope| {
        let putter = scope.spawn(|| queue.put(2));
        while queue.waiting() != (0, 1) {
            thread::yield_now();
        }
        assert!(queue.shut_down());
        assert_eq!(putter.join().unwrap(), Err(PutError::ShutDown(2)));
    });
    assert!(!queue.shut_down() && queue.is_shut_down());
    assert_eq!(queue.try_put(3), Err(PutError::ShutDown(3)));
    assert_eq!(queue.put_many([4, 5]), Err(PutError::ShutDown(vec![4, 5])));
    assert_eq!((queue.get(), queue.get()), (Ok(1), Err(GetError::ShutDown)));
    assert_eq!((queue.try_peek(), queue.get_many(2)), (Err(GetError::ShutDown), Err(GetError::ShutDown)));
}

#[test]
fn a_shut_down_ends_the_waits_for_items() {
    let queue: Queue<u32> = Queue::new();
    thread::scope(|scope| {
        let threads = [0; 2].map(|_| scope.spawn(|| queue.get()));
        let task = scope.spawn(|| Parker::block_on(queue.get_many_async(3)));
        while queue.waiting() != (3, 0) {
            thread::yield_now();
        }
        queue.shut_down_now();
        assert_eq!(threads.map(|thread| thread.join().unwrap()), [Err(GetError::ShutDown); 2]);
        assert_eq!(task.join().unwrap(), Err(GetError::ShutDown));
    });
}

#[test]
fn join_waits_until_all_is_done_and_what_is_dropped_counts() {
    let queue = Queue::new();
    queue.join();
    queue.put_many(0..3).unwrap();
    assert!(!queue.join_deadline(Instant::now()));
    thread::scope(|scope| {
        let joined = scope.spawn(|| queue.join());
        let awaited = scope.spawn(|| Parker::block_on(queue.join_async()));
        assert_eq!(queue.get(), Ok(0));
        queue.task_done().unwrap();
        assert_eq!(queue.unfinished(), 2);
        assert_eq!(queue.shut_down_now(), 2);
        joined.join().unwrap();
        awaited.join().unwrap();
    });
    assert_eq!(queue.task_done(), Err(DoneTooOften));
}

#[test]
fn a_peek_leaves_the_item_in() {
    let queue = Queue::new();
    assert_eq!(queue.peek_deadline(Instant::now()), Err(GetError::TimedOut));
    thread::scope(|scope| {
        let peek = scope.spawn(|| queue.peek());
        while queue.waiting() != (1, 0) {
            thread::yield_now();
        }
        queue.put(7).unwrap();
        assert_eq!(peek.join().unwrap(), Ok(7));
    });
    assert_eq!((queue.try_peek(), queue.get(), queue.try_peek()), (Ok(7), Ok(7), Err(GetError::Empty)));
}

#[test]
fn the_remaining_items_come_back_when_the_time_is_up() {
    let queue = Queue::bounded(2);
    assert_eq!(queue.put_many_deadline(0..5, Instant::now()), Err(PutError::TimedOut(vec![2, 3, 4])));
    let mut put = Box::pin(queue.put_many_async(5..7));
    assert!(poll(&mut put).is_pending());
    assert_eq!(queue.get_many(2), Ok(vec![0, 1]));
    assert_eq!(poll(&mut put), Poll::Ready(Ok(())));
    assert_eq!(queue.try_get_many(0), Ok(vec![]));
    assert_eq!(queue.get_timeout(Duration::ZERO), Ok(5));
}

#[test]
fn a_select_takes_an_item_or_a_lock() {
    let (queue, mutex) = (Queue::new(), Mutex::new(1));
    let guard = mutex.lock();
    queue.put(2).unwrap();
    let select = || Select::new().on(mutex.lock_async(), |guard| *guard).on(queue.get_async(), |item| item.unwrap());
    assert_eq!(select().wait(), 2);
    drop(guard);
    queue.put(3).unwrap();
    assert_eq!((select().wait(), queue.len()), (1, 1), "the leftmost; the item stays in");
}

#[test]
fn every_item_is_got_once_in_order_by_threads_and_tasks() {
    const ITEMS: usize = 6_000;
    for limit in [1, 7, u64::MAX] {
        let (queue, next) = (Queue::bounded(limit), AtomicUsize::new(0));
        let got = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let putters: Vec<_> = (0..3)
                .map(|number| {
                    let (queue, next) = (&queue, &next);
                    scope.spawn(move || {
                        while next.fetch_add(1, Ordering::Relaxed) < ITEMS {
                            match number {
                                0 => queue.put(()).unwrap(),
                                1 => queue.put_many([()]).unwrap(),
                                _ => Parker::block_on(queue.put_async(())).unwrap(),
                            }
                        }
                    })
                })
                .collect();
            scope.spawn(|| queue.iter().for_each(|item| got.lock().push(item)));
            scope.spawn(|| {
                Parker::block_on(async {
                    while let Ok(items) = queue.get_many_async(3).await {
                        got.lock().extend(items);
                    }
                });
            });
            putters.into_iter().for_each(|putter| putter.join().unwrap());
            queue.shut_down();
        });
        assert_eq!((got.into_inner().len(), queue.len(), queue.waiting()), (ITEMS, 0, (0, 0)));
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put(u64),
    Get,
    GetMany(usize),
    Drop(usize),
    Poll(usize),
    SetLimit(u64),
    ShutDown,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..4_u64).prop_map(Step::Put),
        4 => Just(Step::Get),
        2 => (1..4_usize).prop_map(Step::GetMany),
        2 => (0..8_usize).prop_map(Step::Drop),
        4 => (0..8_usize).prop_map(Step::Poll),
        1 => (0..6_u64).prop_map(Step::SetLimit),
        1 => Just(Step::ShutDown),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    /// Getters that wait are served in order, items leave in order, and none is lost or doubled, whatever goes away.
    #[test]
    fn getters_and_items_keep_their_order(steps in steps(), limit in 0..6_u64) {
        let queue: Queue<(u64, u64)> = Queue::bounded_by(limit, |item| item.1);
        let mut number = 0;
        let mut inside: VecDeque<u64> = VecDeque::new();
        let mut futures: Vec<Pin<Box<dyn Future<Output = Vec<u64>> + '_>>> = Vec::new();
        let mut got: Vec<u64> = Vec::new();
        let mut is_shut_down = false;
        for step in steps {
            match step {
                Step::Put(weight) => match queue.try_put((number, weight)) {
                    Ok(()) => {
                        prop_assert!(!is_shut_down);
                        inside.push_back(number);
                        number += 1;
                    }
                    Err(error) => prop_assert_eq!(error.into_inner(), (number, weight)),
                },
                Step::Get => match queue.try_get() {
                    Ok((item, _)) => got.push(item),
                    Err(error) => prop_assert_eq!(error == GetError::ShutDown, is_shut_down),
                },
                Step::GetMany(count) => {
                    let queue = &queue;
                    futures.push(Box::pin(async move {
                        let items = queue.get_many_async(count).await;
                        items.into_iter().flatten().map(|item| item.0).collect()
                    }));
                    let mut future = futures.pop().unwrap();
                    match poll(&mut future) {
                        Poll::Ready(items) => got.extend(items),
                        Poll::Pending => futures.push(future),
                    }
                }
                Step::Drop(index) if index < futures.len() => drop(futures.remove(index)),
                Step::Poll(index) if index < futures.len() => {
                    if let Poll::Ready(items) = poll(&mut futures[index]) {
                        got.extend(items);
                        drop(futures.remove(index));
                    }
                }
                Step::SetLimit(limit) => queue.set_limit(limit),
                Step::ShutDown => is_shut_down |= queue.shut_down(),
                Step::Drop(_) | Step::Poll(_) => {}
            }
        }
        let is_idle = futures.is_empty();
        drop(futures);
        got.extend(queue.try_get_many(usize::MAX).into_iter().flatten().map(|item| item.0));
        if is_idle && got.is_sorted() {
            prop_assert!(got.iter().copied().eq(0..number));
        }
        got.sort_unstable();
        prop_assert!(got.into_iter().eq(0..number));
        prop_assert_eq!(queue.waiting(), (0, 0));
    }
}
