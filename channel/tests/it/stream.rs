//! A reader as a stream.

use crate::setup::{Wakes, block_on};
use futures_core::Stream;
use millpond_channel::{Reader, bounded, unbounded};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

fn next<T>(reader: &mut Reader<T>) -> impl Future<Output = Option<T>> {
    poll_fn(|context| Pin::new(&mut *reader).poll_next(context))
}

#[test]
fn a_stream_gives_all_items_in_order_and_ends() {
    let (writer, mut reader) = bounded(3);
    thread::scope(|scope| {
        scope.spawn(|| {
            let writer = writer;
            writer.write_from(0..1000).unwrap();
        });
        for expected in 0..1000 {
            assert_eq!(block_on(next(&mut reader)), Some(expected));
        }
        assert_eq!(block_on(next(&mut reader)), None);
        assert_eq!(block_on(next(&mut reader)), None);
    });
}

#[test]
fn a_stream_that_is_dropped_while_pending_passes_its_wake_up_on() {
    let (writer, mut first) = unbounded();
    let mut second = first.clone();
    let ((_, first_waker), (wakes, second_waker)) = (Wakes::waker(), Wakes::waker());
    assert_eq!(Pin::new(&mut first).poll_next(&mut Context::from_waker(&first_waker)), Poll::Pending);
    assert_eq!(Pin::new(&mut second).poll_next(&mut Context::from_waker(&second_waker)), Poll::Pending);
    assert_eq!(second.waiting_readers(), 2);
    writer.write(1).unwrap();
    drop(first);
    assert_eq!((wakes.count(), second.waiting_readers()), (1, 0));
    assert_eq!(Pin::new(&mut second).poll_next(&mut Context::from_waker(&second_waker)), Poll::Ready(Some(1)));
}
