//! Channels beside their rivals: alone in one thread, one to one, two to two, item by item and 64
//! at a time.
//!
//! All channels carry `u64`; bounded ones hold 64 (in batches: 64 batches for rivals, 4096 items
//! for ours). The rivals have no writes of many items, so there they send what their users send, a
//! `Vec` of 64. Each case's result is the sum of all items that came out.

use millpond_benches::harness::{Case, Group, Unit};
use parking_lot::Mutex;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::mpsc;
use std::thread;

/// Short enough that a run is rarely preempted on a busy machine.
const ALONE: u64 = 192_000;
const BETWEEN: u64 = 1_000_000;
const BATCH: u64 = 64;
const CAPACITY: usize = 64;

fn main() {
    let mut group = Group::new("channel");
    serial(&mut group);
    uncontended_unbounded(&mut group);
    uncontended_bounded(&mut group);
    one_to_one_unbounded(&mut group);
    one_to_one_bounded(&mut group);
    two_to_two_unbounded(&mut group);
    two_to_two_bounded(&mut group);
    batch_uncontended(&mut group);
    batch_one_to_one_unbounded(&mut group);
    batch_one_to_one_bounded(&mut group);
    group.finish();
}

/// Writes and reads each item in turn.
fn alone(mut write: impl FnMut(u64), mut read: impl FnMut() -> u64) -> u64 {
    let mut sum = 0;
    for item in 0..ALONE {
        write(black_box(item));
        sum += read();
    }
    sum
}

/// One thread writes everything and goes; this one reads until the end.
fn one_to_one(mut write: impl FnMut(u64) + Send, mut read: impl FnMut() -> Option<u64>) -> u64 {
    thread::scope(|scope| {
        scope.spawn(move || (0..BETWEEN).for_each(&mut write));
        std::iter::from_fn(&mut read).sum()
    })
}

/// Two threads write half each and go; two read until the end.
fn two_to_two(write: impl FnMut(u64) + Clone + Send, read: impl FnMut() -> Option<u64> + Clone + Send) -> u64 {
    thread::scope(|scope| {
        for half in [0..BETWEEN / 2, BETWEEN / 2..BETWEEN] {
            let mut write = write.clone();
            scope.spawn(move || half.for_each(&mut write));
        }
        drop(write);
        let reads = [0; 2].map(|_| {
            let mut read = read.clone();
            scope.spawn(move || std::iter::from_fn(&mut read).sum::<u64>())
        });
        drop(read);
        reads.into_iter().map(|read| read.join().expect("a reader does not panic")).sum()
    })
}

fn batches(count: u64) -> impl Iterator<Item = Vec<u64>> {
    (0..count / BATCH).map(|batch| (batch * BATCH..(batch + 1) * BATCH).collect())
}

/// Writes and reads each batch in turn.
fn alone_in_batches(mut write: impl FnMut(Vec<u64>), mut read: impl FnMut() -> Vec<u64>) -> u64 {
    let mut sum = 0;
    for batch in batches(ALONE) {
        write(black_box(batch));
        sum += read().iter().sum::<u64>();
    }
    sum
}

/// One thread writes all batches and goes; this one reads until the end.
fn one_to_one_in_batches(mut write: impl FnMut(Vec<u64>) + Send, mut read: impl FnMut() -> Vec<u64>) -> u64 {
    thread::scope(|scope| {
        scope.spawn(move || batches(BETWEEN).for_each(&mut write));
        std::iter::repeat_with(&mut read).take_while(|batch| !batch.is_empty()).flatten().sum()
    })
}

fn per_item(count: u64) -> Unit {
    Unit::nanoseconds_per("item", count)
}

fn serial(group: &mut Group) {
    let (writer, reader) = millpond_channel::serial();
    let (mut queue, cell) = (VecDeque::new(), RefCell::new(VecDeque::new()));
    Case::new("serial", per_item(ALONE))
        .ours(|| alone(|item| writer.write(item).unwrap(), || reader.read_one().unwrap()))
        .rival("vecdeque", || {
            let queue = RefCell::new(&mut queue);
            alone(
                // Unchecked by the optimiser, as a queue in another object would be.
                |item| black_box(&mut **queue.borrow_mut()).push_back(item),
                || black_box(&mut **queue.borrow_mut()).pop_front().unwrap(),
            )
        })
        .rival("refcell-vecdeque", || {
            let cell = black_box(&cell);
            alone(|item| cell.borrow_mut().push_back(item), || cell.borrow_mut().pop_front().unwrap())
        })
        .run(group);
}

fn uncontended_unbounded(group: &mut Group) {
    let (writer, reader) = millpond_channel::unbounded();
    let crossbeam = crossbeam_channel::unbounded();
    let flume = flume::unbounded();
    let kanal = kanal::unbounded();
    let std = mpsc::channel();
    let mutex = Mutex::new(VecDeque::new());
    Case::new("uncontended-unbounded", per_item(ALONE))
        .ours(|| alone(|item| writer.write(item).unwrap(), || reader.read_one().unwrap()))
        .rival("kanal", || alone(|item| kanal.0.send(item).unwrap(), || kanal.1.recv().unwrap()))
        .rival("crossbeam", || alone(|item| crossbeam.0.send(item).unwrap(), || crossbeam.1.recv().unwrap()))
        .rival("flume", || alone(|item| flume.0.send(item).unwrap(), || flume.1.recv().unwrap()))
        .rival("std", || alone(|item| std.0.send(item).unwrap(), || std.1.recv().unwrap()))
        .rival("parking-lot-vecdeque", || {
            alone(|item| mutex.lock().push_back(item), || mutex.lock().pop_front().unwrap())
        })
        .run(group);
}

fn uncontended_bounded(group: &mut Group) {
    let (writer, reader) = millpond_channel::bounded(CAPACITY);
    let crossbeam = crossbeam_channel::bounded(CAPACITY);
    let flume = flume::bounded(CAPACITY);
    let kanal = kanal::bounded(CAPACITY);
    let std = mpsc::sync_channel(CAPACITY);
    Case::new("uncontended-bounded", per_item(ALONE))
        .ours(|| alone(|item| writer.write(item).unwrap(), || reader.read_one().unwrap()))
        .rival("kanal", || alone(|item| kanal.0.send(item).unwrap(), || kanal.1.recv().unwrap()))
        .rival("crossbeam", || alone(|item| crossbeam.0.send(item).unwrap(), || crossbeam.1.recv().unwrap()))
        .rival("flume", || alone(|item| flume.0.send(item).unwrap(), || flume.1.recv().unwrap()))
        .rival("std", || alone(|item| std.0.send(item).unwrap(), || std.1.recv().unwrap()))
        .run(group);
}

/// Makes a channel of a rival and gives its ends to a body as two closures, one that sends and one
/// that receives.
macro_rules! with_rival {
    ($ends:expr, $body:ident) => {{
        let (sender, receiver) = $ends;
        $body(move |item| sender.send(item).unwrap(), move || receiver.recv().ok())
    }};
}

/// The same for one of ours.
macro_rules! with_ours {
    ($ends:expr, $body:ident) => {{
        let (writer, reader) = $ends;
        $body(move |item| writer.write(item).unwrap(), move || reader.read_one().ok())
    }};
}

fn one_to_one_unbounded(group: &mut Group) {
    Case::new("one-to-one-unbounded", per_item(BETWEEN))
        .ours(|| with_ours!(millpond_channel::unbounded(), one_to_one))
        .rival("kanal", || with_rival!(kanal::unbounded(), one_to_one))
        .rival("crossbeam", || with_rival!(crossbeam_channel::unbounded(), one_to_one))
        .rival("flume", || with_rival!(flume::unbounded(), one_to_one))
        .rival("std", || with_rival!(mpsc::channel(), one_to_one))
        .run(group);
}

fn one_to_one_bounded(group: &mut Group) {
    Case::new("one-to-one-bounded", per_item(BETWEEN))
        .ours(|| with_ours!(millpond_channel::bounded(CAPACITY), one_to_one))
        .rival("kanal", || with_rival!(kanal::bounded(CAPACITY), one_to_one))
        .rival("crossbeam", || with_rival!(crossbeam_channel::bounded(CAPACITY), one_to_one))
        .rival("flume", || with_rival!(flume::bounded(CAPACITY), one_to_one))
        .rival("std", || with_rival!(mpsc::sync_channel(CAPACITY), one_to_one))
        .run(group);
}

fn two_to_two_unbounded(group: &mut Group) {
    Case::new("two-to-two-unbounded", per_item(BETWEEN))
        .ours(|| with_ours!(millpond_channel::unbounded(), two_to_two))
        .rival("kanal", || with_rival!(kanal::unbounded(), two_to_two))
        .rival("crossbeam", || with_rival!(crossbeam_channel::unbounded(), two_to_two))
        .rival("flume", || with_rival!(flume::unbounded(), two_to_two))
        .run(group);
}

fn two_to_two_bounded(group: &mut Group) {
    Case::new("two-to-two-bounded", per_item(BETWEEN))
        .ours(|| with_ours!(millpond_channel::bounded(CAPACITY), two_to_two))
        .rival("kanal", || with_rival!(kanal::bounded(CAPACITY), two_to_two))
        .rival("crossbeam", || with_rival!(crossbeam_channel::bounded(CAPACITY), two_to_two))
        .rival("flume", || with_rival!(flume::bounded(CAPACITY), two_to_two))
        .run(group);
}

fn batch_uncontended(group: &mut Group) {
    let (writer, reader) = millpond_channel::unbounded();
    let crossbeam = crossbeam_channel::unbounded();
    let flume = flume::unbounded();
    let kanal = kanal::unbounded();
    let std = mpsc::channel();
    let count = BATCH as usize;
    Case::new("batch-64-uncontended", per_item(ALONE))
        .ours(|| alone_in_batches(|batch| writer.write_all(batch).unwrap(), || reader.read(count).unwrap()))
        .rival("kanal", || alone_in_batches(|batch| kanal.0.send(batch).unwrap(), || kanal.1.recv().unwrap()))
        .rival("crossbeam", || {
            alone_in_batches(|batch| crossbeam.0.send(batch).unwrap(), || crossbeam.1.recv().unwrap())
        })
        .rival("flume", || alone_in_batches(|batch| flume.0.send(batch).unwrap(), || flume.1.recv().unwrap()))
        .rival("std", || alone_in_batches(|batch| std.0.send(batch).unwrap(), || std.1.recv().unwrap()))
        .run(group);
}

/// Like `with_rival`, for batches.
macro_rules! with_rival_in_batches {
    ($ends:expr) => {{
        let (sender, receiver) = $ends;
        one_to_one_in_batches(move |batch| sender.send(batch).unwrap(), move || receiver.recv().unwrap_or_default())
    }};
}

fn ours_in_batches((writer, reader): (millpond_channel::Writer<u64>, millpond_channel::Reader<u64>)) -> u64 {
    let read = move || reader.read(BATCH as usize).unwrap();
    one_to_one_in_batches(move |batch| writer.write_all(batch).unwrap(), read)
}

fn batch_one_to_one_unbounded(group: &mut Group) {
    Case::new("batch-64-one-to-one-unbounded", per_item(BETWEEN))
        .ours(|| ours_in_batches(millpond_channel::unbounded()))
        .rival("kanal", || with_rival_in_batches!(kanal::unbounded()))
        .rival("crossbeam", || with_rival_in_batches!(crossbeam_channel::unbounded()))
        .rival("flume", || with_rival_in_batches!(flume::unbounded()))
        .rival("std", || with_rival_in_batches!(mpsc::channel()))
        .run(group);
}

fn batch_one_to_one_bounded(group: &mut Group) {
    Case::new("batch-64-one-to-one-bounded", per_item(BETWEEN))
        .ours(|| ours_in_batches(millpond_channel::bounded(CAPACITY * BATCH as usize)))
        .rival("kanal", || with_rival_in_batches!(kanal::bounded(CAPACITY)))
        .rival("crossbeam", || with_rival_in_batches!(crossbeam_channel::bounded(CAPACITY)))
        .rival("flume", || with_rival_in_batches!(flume::bounded(CAPACITY)))
        .rival("std", || with_rival_in_batches!(mpsc::sync_channel(CAPACITY)))
        .run(group);
}
