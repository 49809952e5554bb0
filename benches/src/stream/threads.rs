//! What people build by hand: a thread per stage, joined by bounded channels, item by item or in
//! chunks.
//!
//! The source is in the first stage's thread and the calling thread consumes. A channel is given as
//! a function that makes two closures, one that sends and one that receives; [`ends!`](crate::ends)
//! writes it for a rival's channel.

use std::thread::{self, Scope};

/// A function that makes a rival's channel as two closures: one sends an item, the other receives
/// one or learns of the end.
#[macro_export]
macro_rules! ends {
    ($channel:expr) => {
        || {
            let (sender, receiver) = $channel;
            (move |item| sender.send(item).unwrap(), move || receiver.recv().ok())
        }
    };
}

/// The four stages of a stream; types of their own, so that the compiler sees into each.
pub type Stages<A, B, C, D> = (A, B, C, D);

/// A thread that runs `work` on all that `receive` gives.
fn stage<'scope, T: Send>(
    scope: &'scope Scope<'scope, '_>,
    receive: impl FnMut() -> Option<T> + Send + 'scope,
    work: impl FnMut(T) + Send + 'scope,
) {
    scope.spawn(move || std::iter::from_fn(receive).for_each(work));
}

/// Runs each item through the four stages, a thread each, and sums what comes out.
pub fn itemwise<S: FnMut(u64) + Send, R: FnMut() -> Option<u64> + Send>(
    mut items: impl Iterator<Item = u64> + Send,
    (a, b, c, d): Stages<
        impl Fn(u64) -> u64 + Send,
        impl Fn(u64) -> u64 + Send,
        impl Fn(u64) -> u64 + Send,
        impl Fn(u64) -> u64 + Send,
    >,
    channel: impl Fn() -> (S, R),
) -> u64 {
    let [(mut send_a, after_a), (mut send_b, after_b), (mut send_c, after_c), (mut send_d, after_d)] =
        std::array::from_fn(|_| channel());
    thread::scope(|scope| {
        stage(scope, move || items.next(), move |item| send_a(a(item)));
        stage(scope, after_a, move |item| send_b(b(item)));
        stage(scope, after_b, move |item| send_c(c(item)));
        stage(scope, after_c, move |item| send_d(d(item)));
        std::iter::from_fn(after_d).fold(0, u64::wrapping_add)
    })
}

/// The same with chunks of `size` items instead of items, each changed in its place from stage to
/// stage.
pub fn in_chunks<S: FnMut(Vec<u64>) + Send, R: FnMut() -> Option<Vec<u64>> + Send>(
    mut items: impl Iterator<Item = u64> + Send,
    size: usize,
    (a, b, c, d): Stages<
        impl Fn(u64) -> u64 + Send,
        impl Fn(u64) -> u64 + Send,
        impl Fn(u64) -> u64 + Send,
        impl Fn(u64) -> u64 + Send,
    >,
    channel: impl Fn() -> (S, R),
) -> u64 {
    let [(mut send_a, after_a), (mut send_b, after_b), (mut send_c, after_c), (mut send_d, after_d)] =
        std::array::from_fn(|_| channel());
    let make = move || {
        let mut chunk = Vec::with_capacity(size);
        chunk.extend(items.by_ref().take(size));
        (!chunk.is_empty()).then_some(chunk)
    };
    thread::scope(|scope| {
        stage(scope, make, move |chunk| send_a(changed(chunk, &a)));
        stage(scope, after_a, move |chunk| send_b(changed(chunk, &b)));
        stage(scope, after_b, move |chunk| send_c(changed(chunk, &c)));
        stage(scope, after_c, move |chunk| send_d(changed(chunk, &d)));
        std::iter::from_fn(after_d).flatten().fold(0, u64::wrapping_add)
    })
}

fn changed(mut chunk: Vec<u64>, function: impl Fn(u64) -> u64) -> Vec<u64> {
    chunk.iter_mut().for_each(|item| *item = function(*item));
    chunk
}
