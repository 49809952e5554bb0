//! Every flavour against a plain queue.

use crate::setup::{Flavour, Setup, Way};
use millpond_channel::{TryReadError, TryWriteError};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::time::Instant;

#[derive(Clone, Debug)]
enum Step {
    TryWrite,
    WriteMany(usize),
    TryReadOne,
    TryRead(usize),
    ReadDeadline(usize),
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        20 => Just(Step::TryWrite),
        10 => (0..9_usize).prop_map(Step::WriteMany),
        15 => Just(Step::TryReadOne),
        10 => (0..9_usize).prop_map(Step::TryRead),
        10 => (0..9_usize).prop_map(Step::ReadDeadline),
        1 => Just(Step::Close),
    ];
    prop::collection::vec(step, 1..120)
}

fn flavours() -> impl Strategy<Value = Flavour> {
    prop_oneof![Just(Flavour::Unbounded), (1..8_usize).prop_map(Flavour::Bounded), Just(Flavour::Serial)]
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
                Step::TryReadOne => {
                    let nothing = if is_closed { TryReadError::Closed } else { TryReadError::Empty };
                    prop_assert_eq!(reader.try_read_one(), model.pop_front().ok_or(nothing));
                }
                Step::TryRead(count) => {
                    let nothing = if is_closed { TryReadError::Closed } else { TryReadError::Empty };
                    let taken = if count == 0 { model.len() } else { count.min(model.len()) };
                    let items: Vec<_> = model.drain(..taken).collect();
                    let expected = if items.is_empty() { Err(nothing) } else { Ok(items) };
                    prop_assert_eq!(reader.try_read(count), expected);
                }
                Step::ReadDeadline(count) => {
                    let wanted = if count == 0 { usize::MAX } else { count };
                    let read = reader.read_deadline(count, Instant::now());
                    if is_closed || model.len() >= wanted {
                        let taken = wanted.min(model.len());
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
