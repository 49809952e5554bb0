//! What people build by hand: a thread per stage, joined by bounded channels, item by item or in chunks.
//!
//! The source is in the first stage's thread and the calling thread consumes. A channel is given as a function that makes two
//! closures, one that sends and one that receives; [`ends!`](crate::ends) writes it for a rival's channel.

use std::thread;

/// A function that makes a rival's channel as two closures: one sends an item, the other receives one or learns of the end.
#[macro_export]
macro_rules! ends {
    ($channel:expr) => {
        || {
            let (sender, receiver) = $channel;
            (move |item| sender.send(item).unwrap(), move || receiver.recv().ok())
        }
    };
}

/// Runs each item through the four stages, a thread each, and sums what comes out.
pub fn itemwise<S: FnMut(u64) + Send, R: FnMut() -> Option<u64> + Send>(
    items: impl Iterator<Item = u64> + Send,
    [first, others @ ..]: [impl Fn(u64) -> u64 + Send; 4],
    channel: impl Fn() -> (S, R),
) -> u64 {
    thread::scope(|scope| {
        let (mut send, mut last) = channel();
        scope.spawn(move || items.for_each(|item| send(first(item))));
        for stage in others {
            let (mut send, receive) = channel();
            let mut before = std::mem::replace(&mut last, receive);
            scope.spawn(move || std::iter::from_fn(&mut before).for_each(|item| send(stage(item))));
        }
        std::iter::from_fn(last).fold(0, u64::wrapping_add)
    })
}

/// The same with chunks of `size` items instead of items, each changed in its place from stage to stage.
pub fn in_chunks<S: FnMut(Vec<u64>) + Send, R: FnMut() -> Option<Vec<u64>> + Send>(
    mut items: impl Iterator<Item = u64> + Send,
    size: usize,
    [first, others @ ..]: [impl Fn(u64) -> u64 + Send; 4],
    channel: impl Fn() -> (S, R),
) -> u64 {
    thread::scope(|scope| {
        let (mut send, mut last) = channel();
        scope.spawn(move || {
            loop {
                let mut chunk = Vec::with_capacity(size);
                chunk.extend(items.by_ref().take(size).map(&first));
                if chunk.is_empty() {
                    break;
                }
                send(chunk);
            }
        });
        for stage in others {
            let (mut send, receive) = channel();
            let mut before = std::mem::replace(&mut last, receive);
            scope.spawn(move || {
                for mut chunk in std::iter::from_fn(&mut before) {
                    chunk.iter_mut().for_each(|item| *item = stage(*item));
                    send(chunk);
                }
            });
        }
        std::iter::from_fn(last).flatten().fold(0, u64::wrapping_add)
    })
}
