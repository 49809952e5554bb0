//! What holds for every flavour for threads and way to wait, between threads.

use crate::setup::{Setup, in_every_way, wait_for_readers};
use millpond_channel::ReadError;
use std::thread;

in_every_way!(threads,
    unbounded = Flavour::Unbounded,
    bounded_1 = Flavour::Bounded(1),
    bounded_64 = Flavour::Bounded(64)
=> [
    a_waiting_read_is_woken_by_a_write,
    a_waiting_read_is_woken_by_a_close,
    a_waiting_read_is_woken_when_the_last_writer_goes,
    a_waiting_read_of_many_ends_when_all_are_there,
    a_waiting_read_of_many_gives_fewer_at_the_close,
    a_read_of_more_than_the_capacity_makes_room,
    readers_of_many_and_of_one_wait_beside_each_other,
    one_writer_and_one_reader_keep_the_order,
    batches_keep_the_order,
    readers_share_the_items,
]);

pub(crate) fn a_waiting_read_is_woken_by_a_write(setup: Setup) {
    let (writer, reader) = setup.channel();
    thread::scope(|scope| {
        let read = scope.spawn(|| setup.read_one(&reader));
        wait_for_readers(&reader, 1);
        setup.write(&writer, 5).unwrap();
        assert_eq!(read.join().unwrap(), Ok(5));
    });
    assert_eq!(reader.waiting_readers(), 0);
}

pub(crate) fn a_waiting_read_is_woken_by_a_close(setup: Setup) {
    let (writer, reader) = setup.channel::<u8>();
    thread::scope(|scope| {
        let reads = [0; 3].map(|_| scope.spawn(|| setup.read_one(&reader)));
        let many = scope.spawn(|| setup.read(&reader, 2));
        wait_for_readers(&reader, 4);
        writer.close();
        assert!(reads.into_iter().all(|read| read.join().unwrap() == Err(ReadError::Closed)));
        assert_eq!(many.join().unwrap(), []);
    });
}

pub(crate) fn a_waiting_read_is_woken_when_the_last_writer_goes(setup: Setup) {
    let (writer, reader) = setup.channel::<u8>();
    thread::scope(|scope| {
        let read = scope.spawn(|| setup.read_one(&reader));
        let all = scope.spawn(|| setup.read(&reader, usize::MAX));
        wait_for_readers(&reader, 2);
        drop(writer);
        assert_eq!(read.join().unwrap(), Err(ReadError::Closed));
        assert_eq!(all.join().unwrap(), []);
    });
}

pub(crate) fn a_waiting_read_of_many_ends_when_all_are_there(setup: Setup) {
    let (writer, reader) = setup.channel();
    thread::scope(|scope| {
        let read = scope.spawn(|| setup.read(&reader, 3));
        wait_for_readers(&reader, 1);
        setup.write(&writer, 1).unwrap();
        setup.write(&writer, 2).unwrap();
        assert_eq!((reader.len(), reader.waiting_readers()), (2, 1), "nothing is taken, nobody is woken before");
        setup.write(&writer, 3).unwrap();
        assert_eq!(read.join().unwrap(), [1, 2, 3]);
    });
}

pub(crate) fn a_waiting_read_of_many_gives_fewer_at_the_close(setup: Setup) {
    let (writer, reader) = setup.channel();
    thread::scope(|scope| {
        let read = scope.spawn(|| setup.read(&reader, 100));
        wait_for_readers(&reader, 1);
        setup.write_all(&writer, vec![1, 2, 3]).unwrap();
        drop(writer);
        assert_eq!(read.join().unwrap(), [1, 2, 3]);
    });
}

pub(crate) fn a_read_of_more_than_the_capacity_makes_room(setup: Setup) {
    let (writer, reader) = setup.channel();
    let count = reader.capacity().unwrap_or(1) * 3;
    thread::scope(|scope| {
        let read = scope.spawn(|| setup.read(&reader, count));
        scope.spawn(|| setup.write_all(&writer, (0..count + 1).collect()).unwrap());
        assert_eq!(read.join().unwrap(), (0..count).collect::<Vec<_>>());
    });
    assert_eq!(reader.try_read(usize::MAX).unwrap(), [count]);
    if let Some(capacity) = writer.capacity() {
        let written = (0..capacity + 1).map_while(|item| writer.try_write(item).ok()).count();
        assert_eq!(written, capacity, "the room that was made is gone");
    }
}

pub(crate) fn readers_of_many_and_of_one_wait_beside_each_other(setup: Setup) {
    let (writer, reader) = setup.channel();
    thread::scope(|scope| {
        let many = scope.spawn(|| setup.read(&reader, 2));
        let one = scope.spawn(|| setup.read_one(&reader).unwrap());
        wait_for_readers(&reader, 2);
        setup.write_all(&writer, vec![1, 2, 3]).unwrap();
        let mut items = many.join().unwrap();
        assert_eq!(items[1], items[0] + 1, "a read of many is one piece");
        items.push(one.join().unwrap());
        items.sort_unstable();
        assert_eq!(items, [1, 2, 3]);
    });
}

pub(crate) fn one_writer_and_one_reader_keep_the_order(setup: Setup) {
    const COUNT: u32 = 20_000;
    let (writer, reader) = setup.channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            let writer = writer;
            (0..COUNT).for_each(|item| setup.write(&writer, item).unwrap());
        });
        for expected in 0..COUNT {
            assert_eq!(setup.read_one(&reader), Ok(expected));
        }
        assert_eq!(setup.read_one(&reader), Err(ReadError::Closed));
    });
}

pub(crate) fn batches_keep_the_order(setup: Setup) {
    let (writer, reader) = setup.channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            let writer = writer;
            for begin in (0..10_000).step_by(50) {
                setup.write_all(&writer, (begin..begin + 50).collect()).unwrap();
            }
        });
        let mut items: Vec<u32> = Vec::new();
        for count in (1..40).cycle() {
            let batch = setup.read(&reader, count);
            items.extend(&batch);
            if batch.len() < count {
                break;
            }
        }
        assert_eq!(items, (0..10_000).collect::<Vec<_>>());
    });
}

pub(crate) fn readers_share_the_items(setup: Setup) {
    const COUNT: usize = 3000;
    let (writer, reader) = setup.channel();
    let mut items: Vec<_> = thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let reader = reader.clone();
                scope.spawn(move || {
                    let items: Vec<_> = std::iter::from_fn(|| setup.read_one(&reader).ok()).collect();
                    assert!(items.is_sorted(), "each reader sees its items in order");
                    items
                })
            })
            .collect();
        (0..COUNT).for_each(|item| setup.write(&writer, item).unwrap());
        drop(writer);
        readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect()
    });
    items.sort_unstable();
    assert_eq!(items, (0..COUNT).collect::<Vec<_>>());
}
