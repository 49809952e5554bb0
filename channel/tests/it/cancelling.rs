//! Waits that are given up lose no item and no wake-up.

use crate::setup::{Flavour, Setup, Wakes, Way, block_on, wait_for_readers};
use millpond_channel::{ReadTimeoutError, bounded, unbounded};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_read_that_times_out_leaves_the_items_in_order() {
    for flavour in [Flavour::Unbounded, Flavour::Bounded(1), Flavour::Bounded(64)] {
        let (writer, reader) = Setup { flavour, way: Way::Block }.channel();
        writer.write(1).unwrap();
        assert_eq!(reader.read_deadline(2, Instant::now()), Err(ReadTimeoutError::TimedOut));
        assert_eq!(reader.read_timeout(usize::MAX, Duration::from_millis(2)), Err(ReadTimeoutError::TimedOut));
        assert_eq!((reader.len(), reader.waiting_readers()), (1, 0));
        assert_eq!(reader.read_one_timeout(Duration::MAX), Ok(1));
        assert_eq!(reader.read_one_timeout(Duration::ZERO), Err(ReadTimeoutError::TimedOut));
        writer.close();
        assert_eq!(reader.read_one_timeout(Duration::ZERO), Err(ReadTimeoutError::Closed));
        assert_eq!(reader.read_timeout(5, Duration::ZERO), Ok(Vec::new()));
    }
}

#[test]
fn a_read_that_made_room_and_gave_up_leaves_what_came_in_order() {
    let (writer, reader) = bounded(1);
    let (_, waker) = Wakes::waker();
    let mut read = Box::pin(reader.read_async(4));
    assert_eq!(read.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending);
    (1..=3).for_each(|item| writer.try_write(item).unwrap());
    drop(read);
    assert!(writer.try_write(4).unwrap_err().is_full(), "three items are there and the capacity is 1 again");
    assert_eq!(reader.try_read(usize::MAX).unwrap(), [1, 2, 3]);
    writer.try_write(4).unwrap();
    assert!(writer.try_write(5).unwrap_err().is_full());
}

#[test]
fn a_dropped_read_future_passes_its_wake_up_on() {
    let (writer, reader) = unbounded();
    let ((_, first_waker), (second, second_waker)) = (Wakes::waker(), Wakes::waker());
    let mut first = Box::pin(reader.read_one_async());
    let mut other = pin!(reader.read_one_async());
    assert_eq!(first.as_mut().poll(&mut Context::from_waker(&first_waker)), Poll::Pending);
    assert_eq!(other.as_mut().poll(&mut Context::from_waker(&second_waker)), Poll::Pending);
    writer.write(1).unwrap();
    assert_eq!(second.count(), 0);
    drop(first);
    assert_eq!(second.count(), 1);
    assert_eq!(other.poll(&mut Context::from_waker(&second_waker)), Poll::Ready(Ok(1)));
}

#[test]
fn a_dropped_write_future_passes_its_wake_up_on() {
    let (writer, reader) = bounded(1);
    writer.try_write(0).unwrap();
    let ((_, first_waker), (second, second_waker)) = (Wakes::waker(), Wakes::waker());
    let mut first = Box::pin(writer.write_async(1));
    let mut other = pin!(writer.write_async(2));
    assert_eq!(first.as_mut().poll(&mut Context::from_waker(&first_waker)), Poll::Pending);
    assert_eq!(other.as_mut().poll(&mut Context::from_waker(&second_waker)), Poll::Pending);
    assert_eq!(reader.try_read_one(), Ok(0));
    drop(first);
    assert_eq!(second.count(), 1);
    assert_eq!(other.poll(&mut Context::from_waker(&second_waker)), Poll::Ready(Ok(())));
    assert_eq!(reader.try_read(usize::MAX).unwrap(), [2]);
}

#[test]
fn reads_that_give_up_at_any_moment_lose_nothing() {
    const COUNT: u32 = 5000;
    let (writer, reader) = bounded(2);
    let mut items = thread::scope(|scope| {
        scope.spawn(|| {
            let writer = writer;
            (0..COUNT).for_each(|item| writer.write(item).unwrap());
        });
        let impatient = scope.spawn(|| {
            let mut items = Vec::new();
            loop {
                match reader.read_timeout(3, Duration::from_micros(u64::from(items.len() as u32 % 7))) {
                    Ok(batch) if batch.is_empty() => return items,
                    Ok(batch) => items.extend(batch),
                    Err(error) => assert_eq!(error, ReadTimeoutError::TimedOut),
                }
            }
        });
        let fickle = scope.spawn(|| {
            let (_, waker) = Wakes::waker();
            let mut items = Vec::new();
            loop {
                let mut read = pin!(reader.read_one_async());
                match read.as_mut().poll(&mut Context::from_waker(&waker)) {
                    Poll::Ready(Ok(item)) => items.push(item),
                    Poll::Ready(Err(_)) => return items,
                    Poll::Pending => thread::yield_now(),
                }
            }
        });
        let mut items = impatient.join().unwrap();
        items.extend(fickle.join().unwrap());
        items
    });
    items.sort_unstable();
    assert_eq!(items, (0..COUNT).collect::<Vec<_>>());
}

#[test]
fn threads_and_futures_wait_in_one_list() {
    let (writer, reader) = unbounded();
    thread::scope(|scope| {
        let thread = scope.spawn(|| reader.read_one().unwrap());
        wait_for_readers(&reader, 1);
        let future = scope.spawn(|| block_on(reader.read_one_async()).unwrap());
        wait_for_readers(&reader, 2);
        writer.write(1).unwrap();
        assert_eq!(thread.join().unwrap(), 1, "it came first");
        writer.write(2).unwrap();
        assert_eq!(future.join().unwrap(), 2);
    });
}
