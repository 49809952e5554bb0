//! What holds for every flavour and way to wait, seen from one thread.

use crate::setup::{Setup, in_every_way};
use millpond_channel::{ReadError, TryReadError, TryWriteError};
use std::sync::Arc;
use std::time::Duration;

in_every_way!(scenarios,
    unbounded = Flavour::Unbounded,
    bounded_1 = Flavour::Bounded(1),
    bounded_64 = Flavour::Bounded(64),
    serial = Flavour::Serial
=> [
    an_item_that_is_written_is_read,
    items_come_out_in_the_order_they_went_in,
    closing_keeps_what_is_in_the_channel,
    closing_twice_is_fine,
    the_reader_may_close_too,
    writing_to_a_closed_channel_gives_the_item_back,
    writing_without_readers_gives_the_item_back,
    a_batch_for_a_closed_channel_comes_back_whole,
    dropping_the_last_writer_closes,
    the_end_is_told_by_every_read,
    a_read_of_many_gives_fewer_at_the_end,
    a_read_of_nothing_gives_nothing_at_once,
    reading_all_reads_until_the_close,
    trying_gives_what_is_there,
    reading_into_a_vector_adds_to_its_end,
    reading_into_a_vector_uses_its_buffer,
    the_length_follows,
    a_writer_takes_a_whole_iterator_apart_into_batches,
    an_iteration_ends_with_the_close,
    trying_to_iterate_ends_with_what_is_there,
    clones_are_ends_of_the_same_channel,
    every_item_is_dropped_once,
    dropping_the_last_reader_drops_what_is_left,
    an_item_that_holds_an_end_of_its_own_channel_does_not_hang_the_close,
]);

pub(crate) fn an_item_that_is_written_is_read(setup: Setup) {
    let (writer, reader) = setup.channel();
    setup.write(&writer, "item").unwrap();
    assert_eq!(setup.read_one(&reader), Ok("item"));
    setup.write(&writer, "other").unwrap();
    assert_eq!(setup.read(&reader, 1), ["other"]);
}

pub(crate) fn items_come_out_in_the_order_they_went_in(setup: Setup) {
    let (writer, reader) = setup.channel();
    let room = reader.capacity().unwrap_or(100);
    let mut read = Vec::new();
    for begin in (0..1000).step_by(room) {
        let items: Vec<_> = (begin..1000.min(begin + room)).collect();
        let count = items.len();
        setup.write_all(&writer, items).unwrap();
        if begin % 3 == 0 {
            read.extend(setup.read(&reader, count));
        } else {
            read.extend((0..count).map(|_| setup.read_one(&reader).unwrap()));
        }
    }
    assert_eq!(read, (0..1000).collect::<Vec<_>>());
}

pub(crate) fn closing_keeps_what_is_in_the_channel(setup: Setup) {
    let (writer, reader) = setup.channel();
    setup.write(&writer, 1).unwrap();
    assert!(!reader.is_closed());
    assert!(writer.close());
    assert!(reader.is_closed() && writer.is_closed());
    assert_eq!(setup.read_one(&reader), Ok(1));
    assert_eq!(setup.read_one(&reader), Err(ReadError::Closed));
}

pub(crate) fn closing_twice_is_fine(setup: Setup) {
    let (writer, reader) = setup.channel::<u8>();
    assert!(writer.close());
    assert!(!writer.close() && !reader.close());
}

pub(crate) fn the_reader_may_close_too(setup: Setup) {
    let (writer, reader) = setup.channel();
    setup.write(&writer, 1).unwrap();
    assert!(reader.close());
    assert_eq!(setup.write(&writer, 2).unwrap_err().into_inner(), 2);
    assert_eq!(setup.read(&reader, 5), [1]);
}

pub(crate) fn writing_to_a_closed_channel_gives_the_item_back(setup: Setup) {
    let (writer, _reader) = setup.channel();
    writer.close();
    assert_eq!(setup.write(&writer, String::from("mine")).unwrap_err().into_inner(), "mine");
    assert_eq!(writer.try_write(String::from("mine")), Err(TryWriteError::Closed(String::from("mine"))));
}

pub(crate) fn writing_without_readers_gives_the_item_back(setup: Setup) {
    let (writer, reader) = setup.channel();
    let second = reader.clone();
    drop(reader);
    setup.write(&writer, 1).unwrap();
    drop(second);
    assert_eq!(setup.write(&writer, 2).unwrap_err().into_inner(), 2);
    assert!(writer.is_closed() && writer.is_empty());
}

pub(crate) fn a_batch_for_a_closed_channel_comes_back_whole(setup: Setup) {
    let (writer, reader) = setup.channel();
    reader.close();
    assert_eq!(setup.write_all(&writer, vec![1, 2, 3]).unwrap_err().into_inner(), [1, 2, 3]);
    assert_eq!(writer.write_from(5..7).unwrap_err().into_inner(), [5, 6]);
    setup.write_all(&writer, Vec::new()).unwrap_err();
}

pub(crate) fn dropping_the_last_writer_closes(setup: Setup) {
    let (writer, reader) = setup.channel();
    let second = writer.clone();
    drop(writer);
    setup.write(&second, 1).unwrap();
    assert!(!reader.is_closed());
    drop(second);
    assert_eq!(setup.read(&reader, 2), [1]);
}

pub(crate) fn the_end_is_told_by_every_read(setup: Setup) {
    let (writer, reader) = setup.channel::<u8>();
    assert_eq!(reader.try_read(1), Err(TryReadError::Empty));
    assert_eq!(reader.try_read_one(), Err(TryReadError::Empty));
    drop(writer);
    for _ in 0..2 {
        assert_eq!(setup.read_one(&reader), Err(ReadError::Closed));
        assert_eq!(setup.read(&reader, usize::MAX), []);
        assert_eq!(setup.read(&reader, 3), []);
        assert_eq!(reader.try_read(1), Err(TryReadError::Closed));
        assert_eq!(reader.try_read_one(), Err(TryReadError::Closed));
    }
}

pub(crate) fn a_read_of_many_gives_fewer_at_the_end(setup: Setup) {
    let (writer, reader) = setup.channel();
    setup.write(&writer, 1).unwrap();
    drop(writer);
    assert_eq!(setup.read(&reader, 1000), [1]);
    assert_eq!(setup.read(&reader, 1000), []);
}

pub(crate) fn a_read_of_nothing_gives_nothing_at_once(setup: Setup) {
    let (writer, reader) = setup.channel();
    let is_nothing = || {
        let mut items = Vec::new();
        setup.read(&reader, 0).is_empty()
            && reader.try_read(0) == Ok(Vec::new())
            && reader.try_read_into(0, &mut items) == Ok(0)
            && reader.read_timeout(0, Duration::ZERO) == Ok(Vec::new())
            && items.is_empty()
    };
    assert!(is_nothing(), "an empty channel");
    setup.write(&writer, 'a').unwrap();
    assert!(is_nothing() && reader.len() == 1, "what is in it stays");
    writer.close();
    assert!(is_nothing() && reader.len() == 1);
    assert_eq!(reader.read_all().unwrap(), ['a']);
    assert!(is_nothing(), "a channel that is closed and empty");
}

pub(crate) fn reading_all_reads_until_the_close(setup: Setup) {
    let (writer, reader) = setup.channel();
    setup.write(&writer, 'a').unwrap();
    writer.close();
    assert_eq!(setup.read(&reader, usize::MAX), ['a']);
    assert_eq!(reader.read_all(), Ok(Vec::new()));
}

pub(crate) fn trying_gives_what_is_there(setup: Setup) {
    let (writer, reader) = setup.channel();
    let count = reader.capacity().unwrap_or(5).min(5);
    setup.write_all(&writer, (0..count).collect()).unwrap();
    assert_eq!(reader.try_read(1000).unwrap(), (0..count).collect::<Vec<_>>());
    setup.write_all(&writer, (0..count).collect()).unwrap();
    assert_eq!(reader.try_read(usize::MAX).unwrap().len(), count);
    assert_eq!(reader.try_read(usize::MAX), Err(TryReadError::Empty));
}

pub(crate) fn reading_into_a_vector_adds_to_its_end(setup: Setup) {
    let (writer, reader) = setup.channel();
    let mut items = vec![0];
    for item in 1..4 {
        setup.write(&writer, item).unwrap();
        assert_eq!(reader.try_read_into(10, &mut items), Ok(1));
    }
    assert_eq!(reader.try_read_into(10, &mut items), Err(TryReadError::Empty));
    assert_eq!(items, [0, 1, 2, 3]);
}

pub(crate) fn reading_into_a_vector_uses_its_buffer(setup: Setup) {
    let (writer, reader) = setup.channel();
    let count = reader.capacity().unwrap_or(100);
    let mut items = Vec::with_capacity(100);
    let buffer = items.as_ptr();
    for _ in 0..3 {
        items.clear();
        setup.write_all(&writer, (0..count).collect()).unwrap();
        assert_eq!(reader.try_read_into(usize::MAX, &mut items), Ok(count));
        assert_eq!((items.as_ptr(), items.len()), (buffer, count));
    }
}

pub(crate) fn the_length_follows(setup: Setup) {
    let (writer, reader) = setup.channel();
    assert!(writer.is_empty() && reader.is_empty());
    setup.write(&writer, 1).unwrap();
    assert_eq!((writer.len(), reader.len()), (1, 1));
    setup.read_one(&reader).unwrap();
    assert_eq!((writer.len(), reader.len()), (0, 0));
}

pub(crate) fn a_writer_takes_a_whole_iterator_apart_into_batches(setup: Setup) {
    let (writer, reader) = setup.channel();
    let count = reader.capacity().unwrap_or(1000);
    assert_eq!(writer.write_from(0..count), Ok(count));
    assert_eq!(setup.read(&reader, count), (0..count).collect::<Vec<_>>());
}

pub(crate) fn an_iteration_ends_with_the_close(setup: Setup) {
    let (writer, mut reader) = setup.channel();
    let count = reader.capacity().unwrap_or(5).min(5);
    setup.write_all(&writer, (0..count).collect()).unwrap();
    drop(writer);
    assert_eq!((&reader).into_iter().take(1).collect::<Vec<_>>(), [0]);
    assert_eq!(reader.by_ref().collect::<Vec<_>>(), (1..count).collect::<Vec<_>>());
    assert_eq!(reader.next(), None);
}

pub(crate) fn trying_to_iterate_ends_with_what_is_there(setup: Setup) {
    let (writer, reader) = setup.channel();
    setup.write(&writer, 7).unwrap();
    assert_eq!(reader.try_iter().collect::<Vec<_>>(), [7]);
    setup.write(&writer, 8).unwrap();
    assert_eq!(reader.try_iter().next(), Some(8));
}

pub(crate) fn clones_are_ends_of_the_same_channel(setup: Setup) {
    let ((writer, reader), (other_writer, other_reader)) = (setup.channel(), setup.channel());
    let (second_writer, second_reader) = (writer.clone(), reader.clone());
    assert!(writer.is_same_channel(&second_writer) && reader.is_same_channel(&second_reader));
    assert!(!writer.is_same_channel(&other_writer) && !reader.is_same_channel(&other_reader));
    setup.write(&second_writer, 1).unwrap();
    assert_eq!(setup.read_one(&second_reader), Ok(1));
    assert!(second_reader.is_empty());
}

pub(crate) fn every_item_is_dropped_once(setup: Setup) {
    let (writer, reader) = setup.channel();
    let item = Arc::new(());
    setup.write(&writer, Arc::clone(&item)).unwrap();
    drop(setup.read_one(&reader));
    assert_eq!(Arc::strong_count(&item), 1);
    setup.write(&writer, Arc::clone(&item)).unwrap();
    drop(writer);
    assert_eq!(Arc::strong_count(&item), 2);
    drop(reader);
    assert_eq!(Arc::strong_count(&item), 1);
}

pub(crate) fn dropping_the_last_reader_drops_what_is_left(setup: Setup) {
    let (writer, reader) = setup.channel();
    let item = Arc::new(());
    setup.write(&writer, Arc::clone(&item)).unwrap();
    drop(reader);
    assert_eq!(Arc::strong_count(&item), 1, "the writer is still there");
    drop(writer);
}

pub(crate) fn an_item_that_holds_an_end_of_its_own_channel_does_not_hang_the_close(setup: Setup) {
    struct HoldsWriter(#[expect(dead_code, reason = "it is held, not used")] millpond_channel::Writer<HoldsWriter>);
    let (writer, reader) = setup.channel();
    let inner = HoldsWriter(writer.clone());
    assert!(setup.write(&writer, inner).is_ok());
    drop(reader);
    assert!(writer.is_closed() && writer.is_empty());
}
