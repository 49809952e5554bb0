//! The flavour for one thread.

use crate::setup::Wakes;
use futures_core::Stream;
use millpond_channel::{ReadError, ReadTimeoutError, serial};
use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

#[test]
fn a_read_that_would_wait_for_ever_says_so_and_takes_nothing() {
    let (writer, reader) = serial();
    assert_eq!(reader.read_one(), Err(ReadError::WouldWaitForever));
    writer.write(1).unwrap();
    assert_eq!(reader.read(2), Err(ReadError::WouldWaitForever));
    assert_eq!(reader.read_all(), Err(ReadError::WouldWaitForever));
    assert_eq!(reader.read_timeout(2, Duration::MAX), Err(ReadTimeoutError::WouldWaitForever));
    assert_eq!(reader.read(1).unwrap(), [1]);
    writer.close();
    assert_eq!(reader.read_all().unwrap(), []);
}

#[test]
#[should_panic(expected = "reading from a serial channel that is open and has too few items would wait for ever")]
fn iterating_an_open_empty_channel_does_not_look_like_its_end() {
    let (_writer, mut reader) = serial::<u8>();
    reader.next();
}

#[test]
fn use_in_another_thread_names_both() {
    let (writer, reader) = serial::<u8>();
    let message = |join: thread::JoinHandle<()>| *join.join().unwrap_err().downcast::<String>().unwrap();
    let here = thread::current();
    let (name, id) = (here.name().unwrap().to_owned(), here.id());
    let other = thread::Builder::new().name("elsewhere".to_owned());
    let join = other.spawn(move || writer.write(1).unwrap()).unwrap();
    let other_id = join.thread().id();
    assert_eq!(
        message(join),
        format!(
            "using a serial channel made by thread `{name}` ({id:?}) in thread `elsewhere` ({other_id:?}); use it where it \
             was made, or make it with `unbounded()` or `bounded()`"
        )
    );
    // The reader is fine, and sees that the writer is gone.
    assert_eq!(reader.read_one(), Err(ReadError::Closed));
    let join = thread::spawn(move || assert!(reader.try_read_one().is_ok()));
    assert!(message(join).contains("in thread `unnamed`"));
}

#[test]
fn ends_may_be_dropped_anywhere_and_items_are_dropped_once() {
    let item = Arc::new(());
    for writer_goes_first in [true, false] {
        let (writer, reader) = serial();
        writer.write(Arc::clone(&item)).unwrap();
        assert_eq!(Arc::strong_count(&item), 2);
        let (first, second): (Box<dyn Send>, Box<dyn Send>) =
            if writer_goes_first { (Box::new(writer), Box::new(reader)) } else { (Box::new(reader), Box::new(writer)) };
        thread::spawn(move || drop(first)).join().unwrap();
        thread::spawn(move || drop(second)).join().unwrap();
        assert_eq!(Arc::strong_count(&item), 1);
    }
}

#[test]
fn a_writer_dropped_elsewhere_closes() {
    let (writer, reader) = serial();
    writer.write(1).unwrap();
    thread::spawn(move || drop(writer)).join().unwrap();
    assert_eq!(reader.read_all().unwrap(), [1]);
}

#[test]
fn a_reader_dropped_elsewhere_closes() {
    let (writer, reader) = serial();
    thread::spawn(move || drop(reader)).join().unwrap();
    assert_eq!(writer.write(1).unwrap_err().into_inner(), 1);
}

#[test]
fn items_need_not_be_sendable() {
    let (writer, reader) = serial();
    let item = Rc::new(Cell::new(0));
    writer.write(Rc::clone(&item)).unwrap();
    reader.read_one().unwrap().set(1);
    assert_eq!(item.get(), 1);
}

#[test]
fn futures_of_the_same_thread_wait_for_each_other() {
    let (writer, mut reader) = serial();
    let (wakes, waker) = Wakes::waker();
    let mut context = Context::from_waker(&waker);
    {
        let mut read = pin!(reader.read_async(2));
        assert_eq!(read.as_mut().poll(&mut context), Poll::Pending);
        writer.write(1).unwrap();
        assert_eq!(wakes.count(), 0);
        writer.write(2).unwrap();
        assert_eq!(wakes.count(), 1);
        assert_eq!(read.poll(&mut context), Poll::Ready(vec![1, 2]));
    }
    assert_eq!(Pin::new(&mut reader).poll_next(&mut context), Poll::Pending);
    thread::spawn(move || drop(writer)).join().unwrap();
    assert_eq!(wakes.count(), 2, "a writer dropped elsewhere closes, which wakes");
    assert_eq!(Pin::new(&mut reader).poll_next(&mut context), Poll::Ready(None));
}
