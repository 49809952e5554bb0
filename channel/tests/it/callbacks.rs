//! Callbacks around reads and writes.

use millpond_channel::{
    AnyReader, CallbackReader, CallbackWriter, IteratorReader, ReadItems, ReadTimeoutError, TryReadError, WriteItems,
    bounded, unbounded,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Instant;

#[test]
fn the_callback_before_a_read_gets_the_count() {
    let counts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&counts);
    let mut reader = CallbackReader::new(IteratorReader::new(0..5));
    assert!(reader.set_before(move |count| seen.lock().unwrap().push(count)).is_none());
    assert_eq!(reader.read(2).unwrap(), [0, 1]);
    assert_eq!(reader.try_read(1).unwrap(), [2]);
    assert_eq!(reader.read_deadline(usize::MAX, Instant::now()).unwrap(), [3, 4]);
    assert_eq!(*counts.lock().unwrap(), [2, 1, usize::MAX]);
}

#[test]
fn setting_a_callback_returns_the_one_before() {
    let mut reader = CallbackReader::new(IteratorReader::new(0..10));
    assert!(reader.clear_after().is_none() && reader.clear_before().is_none());
    reader.set_after(|items| items.iter_mut().for_each(|item| *item += 100));
    let add = reader.set_after(|items| items.retain(|item| item % 2 == 0)).unwrap();
    assert_eq!(reader.read(2).unwrap(), [0]);
    assert!(reader.set_after(add).is_some());
    assert_eq!(reader.read(2).unwrap(), [102, 103]);
    assert!(reader.clear_after().is_some());
    assert_eq!(reader.read(2).unwrap(), [4, 5]);
}

#[test]
fn a_panic_before_a_read_reads_nothing() {
    let (writer, reader) = unbounded();
    writer.write_all(vec![1, 2]).unwrap();
    let mut reader = CallbackReader::new(reader);
    reader.set_before(|_| panic!("no"));
    assert!(catch_unwind(AssertUnwindSafe(|| reader.read(1))).is_err());
    assert_eq!(reader.get_ref().len(), 2);
    reader.clear_before();
    assert_eq!(reader.read(2).unwrap(), [1, 2]);
}

#[test]
fn a_panic_after_a_read_keeps_the_items_for_the_next() {
    let (writer, reader) = unbounded();
    writer.write_all(vec![1, 2, 3, 4]).unwrap();
    drop(writer);
    let mut reader = CallbackReader::new(reader);
    reader.set_after(|_| panic!("no"));
    assert!(catch_unwind(AssertUnwindSafe(|| reader.read(2))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| reader.try_read(3))).is_err());
    reader.set_after(|items| items.iter_mut().for_each(|item| *item *= 10));
    assert_eq!(reader.read(1).unwrap(), [10]);
    assert_eq!(reader.read(usize::MAX).unwrap(), [20, 30, 40], "in order, before what is still in the channel");
    assert_eq!(reader.read(1).unwrap(), []);
}

#[test]
fn kept_items_are_given_without_waiting_for_more() {
    let (writer, reader) = unbounded();
    writer.write(1).unwrap();
    let mut reader = CallbackReader::new(reader);
    reader.set_after(|_| panic!("no"));
    assert!(catch_unwind(AssertUnwindSafe(|| reader.try_read(5))).is_err());
    reader.clear_after();
    assert_eq!(reader.read_deadline(2, Instant::now()), Err(ReadTimeoutError::TimedOut), "it takes nothing");
    assert_eq!(reader.try_read(5).unwrap(), [1]);
    assert_eq!(reader.try_read(5), Err(TryReadError::Empty));
}

#[test]
fn the_callback_before_a_write_changes_the_item() {
    let (writer, reader) = bounded(3);
    let mut writer = CallbackWriter::new(writer);
    assert!(writer.set_before(|item: u32| item * 2).is_none());
    writer.write(1).unwrap();
    writer.try_write(2).unwrap();
    let double = writer.set_before(|item| item + 1).unwrap();
    writer.write_deadline(3, Instant::now()).unwrap();
    assert_eq!(writer.try_write(9).unwrap_err().into_inner(), 10, "it comes back as the callback gave it");
    assert!(writer.set_before(double).is_some() && writer.clear_before().is_some() && writer.clear_before().is_none());
    assert_eq!(reader.try_read(usize::MAX).unwrap(), [2, 4, 4]);
    assert!(writer.close());
    assert_eq!(writer.write(7).unwrap_err().into_inner(), 7);
}

#[test]
fn a_panic_before_a_write_writes_nothing() {
    let (writer, reader) = unbounded::<u8>();
    let mut writer = CallbackWriter::new(writer);
    writer.set_before(|_| panic!("no"));
    assert!(catch_unwind(AssertUnwindSafe(|| writer.write(1))).is_err());
    assert!(reader.is_empty());
}

#[test]
fn adaptors_stack_and_are_readers_behind_a_box() {
    let mut inner = CallbackReader::new(IteratorReader::new(0..4));
    inner.set_after(|items| items.reverse());
    let mut outer = CallbackReader::new(&mut inner as &mut AnyReader<'_, i32>);
    outer.set_after(|items| items.push(99));
    assert_eq!(outer.read(2).unwrap(), [1, 0, 99]);
    let mut boxed: Box<AnyReader<'_, i32>> = Box::new(inner);
    assert_eq!(boxed.try_read(usize::MAX).unwrap(), [3, 2]);
}

#[test]
fn a_read_of_nothing_calls_no_callback_and_reads_nothing() {
    let mut reader = CallbackReader::new(IteratorReader::new(0..3));
    reader.set_before(|_| panic!("nothing is read"));
    reader.set_after(|_| panic!("nothing is read"));
    assert_eq!(reader.read(0).unwrap(), []);
    assert_eq!(reader.try_read(0).unwrap(), []);
    reader.clear_before();
    reader.clear_after();
    assert_eq!(reader.read_all().unwrap(), [0, 1, 2]);
    assert_eq!(reader.try_read(0).unwrap(), [], "at the end too");
}
