//! Many writers and many readers, every way of reading and writing at once, every item accounted for.

use crate::setup::{Flavour, Setup, Way};
use millpond_channel::ReadTimeoutError;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

const WRITERS: usize = 3;
const PER_WRITER: usize = 4000;

fn every_item_arrives_exactly_once(flavour: Flavour) {
    let seen: Vec<AtomicU8> = (0..WRITERS * PER_WRITER).map(|_| AtomicU8::new(0)).collect();
    let (writer, reader) = Setup { flavour, way: Way::Block }.channel();
    let take = |items: Vec<usize>| {
        for item in items {
            assert_eq!(seen[item].fetch_add(1, Ordering::Relaxed), 0, "item {item} came twice");
        }
    };
    thread::scope(|scope| {
        for number in 0..WRITERS {
            let writer = writer.clone();
            let way = [Way::Block, Way::Deadline, Way::Await][number % 3];
            let setup = Setup { flavour, way };
            scope.spawn(move || {
                let items: Vec<_> = (number * PER_WRITER..(number + 1) * PER_WRITER).collect();
                for (turn, chunk) in items.chunks(7).enumerate() {
                    if turn % 2 == 0 {
                        setup.write_all(&writer, chunk.to_vec()).unwrap();
                    } else {
                        chunk.iter().for_each(|&item| setup.write(&writer, item).unwrap());
                    }
                }
            });
        }
        drop(writer);
        for way in [Way::Block, Way::Deadline, Way::Await] {
            let reader = reader.clone();
            let setup = Setup { flavour, way };
            scope.spawn(move || {
                for count in (1..12).cycle() {
                    match setup.read_one(&reader) {
                        Ok(item) => take(vec![item]),
                        Err(_) => break,
                    }
                    take(setup.read(&reader, count));
                }
            });
        }
        let impatient = reader.clone();
        scope.spawn(move || {
            loop {
                match impatient.read_timeout(2, Duration::from_micros(3)) {
                    Ok(items) if items.is_empty() => break,
                    Ok(items) => take(items),
                    Err(error) => assert_eq!(error, ReadTimeoutError::TimedOut),
                }
            }
        });
        drop(reader);
    });
    assert!(seen.iter().all(|seen| seen.load(Ordering::Relaxed) == 1));
}

#[test]
fn every_item_arrives_exactly_once_without_a_bound() {
    every_item_arrives_exactly_once(Flavour::Unbounded);
}

#[test]
fn every_item_arrives_exactly_once_with_room_for_one() {
    every_item_arrives_exactly_once(Flavour::Bounded(1));
}

#[test]
fn every_item_arrives_exactly_once_with_room_for_some() {
    every_item_arrives_exactly_once(Flavour::Bounded(64));
}

#[test]
fn closing_at_any_moment_loses_nothing_that_was_written() {
    for round in 0..200 {
        let (writer, reader) = Setup { flavour: Flavour::Bounded(2), way: Way::Block }.channel();
        let (written, read) = thread::scope(|scope| {
            let writes = scope.spawn(|| (0..50).take_while(|&item| writer.write(item).is_ok()).count());
            let reads = scope.spawn(|| reader.iter().count());
            scope.spawn(|| {
                (0..round * 10).for_each(|_| std::hint::spin_loop());
                reader.close();
            });
            (writes.join().unwrap(), reads.join().unwrap())
        });
        assert_eq!(written, read);
    }
}
