//! Every flavour against a plain queue.

use crate::setup::{Flavour, Setup, Way};
use millpond_channel::{TryReadError, TryWriteError, WriteTimeoutError};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

#[derive(Clone, Debug)]
enum Step {
    TryWrite,
    WriteMany(usize),
    WriteAll(usize),
    TryReadOne,
    TryRead(usize),
    ReadDeadline(usize),
    Close,
}

/// Few; around the number from which on buffers change hands, two of which are often the same; and more than a segment.
fn counts() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0..9_usize, 1 => 30..35_usize, 3 => Just(40), 1 => 250..300_usize, 1 => Just(usize::MAX)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        20 => Just(Step::TryWrite),
        10 => counts().prop_map(Step::WriteMany),
        10 => counts().prop_map(Step::WriteAll),
        15 => Just(Step::TryReadOne),
        10 => counts().prop_map(Step::TryRead),
        10 => counts().prop_map(Step::ReadDeadline),
        1 => Just(Step::Close),
    ];
    prop::collection::vec(step, 1..100)
}

fn flavours() -> impl Strategy<Value = Flavour> {
    prop_oneof![
        Just(Flavour::Unbounded),
        (1..8_usize).prop_map(Flavour::Bounded),
        (30..300_usize).prop_map(Flavour::Bounded),
        Just(Flavour::Serial)
    ]
}

proptest! {
    #[test]
    fn a_channel_does_what_a_plain_queue_would(flavour in flavours(), steps in steps()) {
        let (writer, reader) = Setup { flavour, way: Way::Block }.channel();
        let capacity = reader.capacity().unwrap_or(usize::MAX);
        let (mut model, mut is_closed, mut next) = (VecDeque::new(), false, 0..);
        for step in steps {
            match step {
                Step::TryWrite => {
                    let item = next.next().unwrap();
                    let expected = if is_closed {
                        Err(TryWriteError::Closed(item))
                    } else if model.len() >= capacity {
                        Err(TryWriteError::Full(item))
                    } else {
                        model.push_back(item);
                        Ok(())
                    };
                    prop_assert_eq!(writer.try_write(item), expected);
                }
                Step::WriteMany(count) => {
                    let count = count.min(300);
                    let mut items: VecDeque<_> = next.by_ref().take(count).collect();
                    let fits = count.min(capacity - model.len());
                    let expected = match (is_closed, fits, count) {
                        (true, ..) => Err(TryWriteError::Closed(())),
                        (_, 0, 1..) => Err(TryWriteError::Full(())),
                        _ => Ok(fits),
                    };
                    if expected.is_ok() {
                        model.extend(items.iter().take(fits));
                    }
                    prop_assert_eq!(writer.try_write_from(&mut items), expected);
                    prop_assert_eq!(items.len(), if expected.is_ok() { count - fits } else { count });
                }
                Step::WriteAll(count) => {
                    let items: Vec<_> = next.by_ref().take(count.min(300)).collect();
                    let fits = items.len().min(capacity - model.len());
                    let expected = match (is_closed, items[fits..].to_vec()) {
                        (true, _) => Err(WriteTimeoutError::Closed(items.clone())),
                        (false, rest) if rest.is_empty() => Ok(()),
                        (false, rest) => Err(WriteTimeoutError::TimedOut(rest)),
                    };
                    if !is_closed {
                        model.extend(&items[..fits]);
                    }
                    prop_assert_eq!(writer.write_all_deadline(items, Instant::now()), expected);
                }
                Step::TryReadOne => {
                    let nothing = if is_closed { TryReadError::Closed } else { TryReadError::Empty };
                    prop_assert_eq!(reader.try_read_one(), model.pop_front().ok_or(nothing));
                }
                Step::TryRead(count) => {
                    let nothing = if is_closed { TryReadError::Closed } else { TryReadError::Empty };
                    let items: Vec<_> = model.drain(..count.min(model.len())).collect();
                    let expected = if items.is_empty() && count > 0 { Err(nothing) } else { Ok(items) };
                    prop_assert_eq!(reader.try_read(count), expected);
                }
                Step::ReadDeadline(count) => {
                    let read = reader.read_deadline(count, Instant::now());
                    if is_closed || model.len() >= count {
                        let taken = count.min(model.len());
                        prop_assert_eq!(read, Ok(model.drain(..taken).collect()));
                    } else {
                        prop_assert!(read.is_err());
                    }
                }
                Step::Close => {
                    prop_assert_eq!(writer.close(), !is_closed);
                    is_closed = true;
                }
            }
            prop_assert_eq!(reader.len(), model.len());
            prop_assert_eq!(reader.is_closed(), is_closed);
        }
        drop(writer);
        prop_assert_eq!(reader.read_all().unwrap(), Vec::from(model));
    }
}

proptest! {
    #[test]
    fn every_item_is_dropped_once_wherever_it_is(flavour in flavours(), moves in prop::collection::vec((counts(), counts()), 1..12)) {
        let (writer, reader) = Setup { flavour, way: Way::Block }.channel();
        let alive = Arc::new(());
        for (write, read) in moves {
            let items = vec![Arc::clone(&alive); write.min(300)];
            if write % 2 == 0 {
                drop(writer.write_all_deadline(items, Instant::now()));
            } else {
                items.into_iter().for_each(|item| drop(writer.try_write(item)));
            }
            drop(reader.try_read(read));
            prop_assert_eq!(Arc::strong_count(&alive), reader.len() + 1);
        }
        drop(writer);
        drop(reader);
        prop_assert_eq!(Arc::strong_count(&alive), 1);
    }
}
