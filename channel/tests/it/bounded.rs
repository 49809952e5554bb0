//! Room: refused, waited for, given up.

use crate::setup::{Flavour, Setup, Way, block_on, far, wait_for_writers};
use millpond_channel::{TryWriteError, WriteTimeoutError, bounded};
use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

const WAYS: [Way; 3] = [Way::Block, Way::Deadline, Way::Await];

fn setups() -> impl Iterator<Item = Setup> {
    WAYS.into_iter().map(|way| Setup { flavour: Flavour::Bounded(1), way })
}

#[test]
fn a_full_channel_refuses_and_gives_the_item_back() {
    let (writer, reader) = bounded(2);
    writer.try_write(1).unwrap();
    writer.try_write(2).unwrap();
    assert_eq!(writer.try_write(3), Err(TryWriteError::Full(3)));
    reader.try_read_one().unwrap();
    writer.try_write(3).unwrap();
    assert_eq!(reader.try_read(usize::MAX).unwrap(), [2, 3]);
}

#[test]
fn a_batch_is_written_as_far_as_it_fits() {
    let (writer, reader) = bounded(2);
    let mut items = VecDeque::from([1, 2, 3]);
    assert_eq!(writer.try_write_from(&mut items), Ok(2));
    assert_eq!(items, [3]);
    assert_eq!(writer.try_write_from(&mut items), Err(TryWriteError::Full(())));
    reader.close();
    assert_eq!(writer.try_write_from(&mut items), Err(TryWriteError::Closed(())));
    assert_eq!(items, [3]);
}

#[test]
fn a_waiting_write_is_woken_by_a_read() {
    for setup in setups() {
        let (writer, reader) = setup.channel();
        writer.try_write(1).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| setup.write(&writer, 2).unwrap());
            wait_for_writers(&writer, 1);
            assert_eq!(reader.try_read(1).unwrap(), [1]);
            assert_eq!(reader.read_one(), Ok(2));
        });
    }
}

#[test]
fn a_waiting_write_is_woken_by_a_close_and_gives_the_item_back() {
    for setup in setups() {
        let (writer, reader) = setup.channel();
        writer.try_write(1).unwrap();
        thread::scope(|scope| {
            let one = scope.spawn(|| setup.write(&writer, 2).unwrap_err().into_inner());
            let many = scope.spawn(|| setup.write_all(&writer, vec![3, 4]).unwrap_err().into_inner());
            wait_for_writers(&writer, 2);
            reader.close();
            assert_eq!((one.join().unwrap(), many.join().unwrap()), (2, vec![3, 4]));
        });
        assert_eq!(reader.read_all().unwrap(), [1]);
    }
}

#[test]
fn a_waiting_write_is_woken_when_the_last_reader_goes() {
    for setup in setups() {
        let (writer, reader) = setup.channel();
        writer.try_write(1).unwrap();
        thread::scope(|scope| {
            let write = scope.spawn(|| setup.write(&writer, 2).unwrap_err().into_inner());
            wait_for_writers(&writer, 1);
            drop(reader);
            assert_eq!(write.join().unwrap(), 2);
        });
    }
}

#[test]
fn a_read_of_many_wakes_as_many_writers_as_it_made_room_for() {
    let (writer, reader) = bounded(3);
    writer.write_all(vec![0, 0, 0]).unwrap();
    thread::scope(|scope| {
        for item in 1..=3 {
            let writer = &writer;
            scope.spawn(move || writer.write(item).unwrap());
        }
        wait_for_writers(&writer, 3);
        assert_eq!(reader.try_read(3).unwrap(), [0, 0, 0]);
    });
    let mut items = reader.try_read(usize::MAX).unwrap();
    items.sort_unstable();
    assert_eq!(items, [1, 2, 3]);
}

#[test]
fn a_write_that_times_out_gives_the_item_back() {
    let (writer, reader) = bounded(1);
    writer.try_write("first").unwrap();
    assert_eq!(writer.write_deadline("second", Instant::now()), Err(WriteTimeoutError::TimedOut("second")));
    assert_eq!(writer.write_timeout("second", Duration::from_millis(2)), Err(WriteTimeoutError::TimedOut("second")));
    assert_eq!(
        writer.write_all_deadline(vec!["third", "fourth"], Instant::now()),
        Err(WriteTimeoutError::TimedOut(vec!["third", "fourth"]))
    );
    assert_eq!(writer.waiting_writers(), 0);
    assert_eq!(reader.try_read(usize::MAX).unwrap(), ["first"]);
    writer.write_timeout("second", Duration::MAX).unwrap();
    reader.close();
    assert_eq!(writer.write_deadline("third", far()), Err(WriteTimeoutError::Closed("third")));
}

#[test]
fn a_batch_larger_than_the_capacity_goes_through_in_pieces() {
    for setup in setups() {
        let (writer, reader) = setup.channel();
        thread::scope(|scope| {
            scope.spawn(|| setup.write_all(&writer, (0..100).collect()).unwrap());
            for expected in 0..100 {
                assert_eq!(reader.read_one(), Ok(expected));
            }
        });
    }
}

#[test]
fn a_capacity_holds_while_nobody_asks_for_more() {
    let (writer, reader) = bounded(4);
    thread::scope(|scope| {
        scope.spawn(|| block_on(writer.write_all_async((0..1000).collect())).unwrap());
        for expected in 0..1000 {
            assert!(reader.len() <= 4);
            assert_eq!(reader.read_one(), Ok(expected));
        }
    });
}

#[test]
#[should_panic(expected = "making a bounded channel of capacity `0`: nothing could ever be written; give at least 1")]
fn a_capacity_of_0_is_refused() {
    let _ends = bounded::<u8>(0);
}
