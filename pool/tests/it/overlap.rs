//! Slow functions run on several workers at once, whatever operator has them or comes after them, and however they are read.
//!
//! Of many calls at least a quarter must have had company ([`Meetings`]).

use std::pin::Pin;

use futures_core::Stream;
use millpond_pool::{Pool, PoolReader, Retry};
use millpond_sync::Parker;

use crate::meetings::Meetings;

/// How many calls there are.
const CALLS: u64 = 64;

/// After how many calls the pool knows that they are slow.
const KNOWN: usize = 16;
/// How many must have met others.
const COMPANY: usize = CALLS as usize / 4;

/// Adds what comes after the slow function to a source.
type Graph = fn(&Pool, &Meetings) -> PoolReader<u64>;
/// Reads up to the end; says how many items there were.
type Form = fn(PoolReader<u64>) -> usize;

fn slow(pool: &Pool, meetings: &Meetings) -> PoolReader<u64> {
    pool.source(0..CALLS).map(meetings.slow())
}

const GRAPHS: [(&str, Graph); 24] = [
    ("map", slow),
    ("map, map", |pool, meetings| slow(pool, meetings).map(|n| n)),
    ("sequential before", |pool, meetings| pool.source(0..CALLS).sequential(|n| n).map(meetings.slow())),
    ("sequential", |pool, meetings| slow(pool, meetings).sequential(|n| n)),
    ("concurrency 1", |pool, meetings| slow(pool, meetings).map(|n| n).concurrency(1)),
    ("filter", |pool, meetings| {
        let meetings = meetings.clone();
        pool.source(0..CALLS).filter(move |&n| meetings.call(n) % 2 == 0)
    }),
    ("inspect", |pool, meetings| {
        let meetings = meetings.clone();
        pool.source(0..CALLS).inspect(move |&n| _ = meetings.call(n))
    }),
    ("try_map", |pool, meetings| {
        let meetings = meetings.clone();
        pool.source(0..CALLS).try_map(move |n| Ok::<_, String>(meetings.call(n)))
    }),
    ("rejected", |pool, meetings| {
        let meetings = meetings.clone();
        pool.source(0..CALLS).try_map_or_reject(Retry::NEVER, move |&n| Ok::<_, String>(meetings.call(n))).0
    }),
    ("flat_map", |pool, meetings| {
        let meetings = meetings.clone();
        pool.source(0..CALLS).flat_map(move |n| [meetings.call(n); 3])
    }),
    ("flat_map after", |pool, meetings| slow(pool, meetings).flat_map(|n| [n, n])),
    ("flat_map before", |pool, meetings| pool.source(0..CALLS / 8).flat_map(|n| n * 8..n * 8 + 8).map(meetings.slow())),
    ("batch", |pool, meetings| slow(pool, meetings).batch(16).map(|group| group[0])),
    ("batch, flatten", |pool, meetings| slow(pool, meetings).batch(7).flatten()),
    ("enumerate", |pool, meetings| slow(pool, meetings).enumerate().map(|(_, n)| n)),
    ("take", |pool, meetings| pool.source(0..).map(meetings.slow()).take(48)),
    ("take_while", |pool, meetings| slow(pool, meetings).take_while(|&n| n < 48)),
    ("zip", |pool, meetings| slow(pool, meetings).zip(pool.source(0_u64..)).map(|(n, _)| n)),
    ("chain", |pool, meetings| slow(pool, meetings).chain(pool.source(0..9))),
    ("merge", |pool, meetings| slow(pool, meetings).merge(pool.source(0..9))),
    ("unordered", |pool, meetings| slow(pool, meetings).unordered()),
    ("tee", |pool, meetings| slow(pool, meetings).tee(2).swap_remove(0)),
    ("partition", |pool, meetings| slow(pool, meetings).partition(2, |&n| usize::from(n % 2 == 0)).swap_remove(0)),
    ("min_count", |pool, meetings| slow(pool, meetings).map(|n| n).min_count(16)),
];

const FORMS: [(&str, Form); 5] = [
    ("read_all", |mut reader| reader.read_all().expect("nothing fails").len()),
    ("iteration", |mut reader| reader.by_ref().map_while(Result::ok).count()),
    ("read_chunks", |mut reader| {
        let mut count = 0;
        reader.read_chunks(None, |chunk| count += chunk.len()).expect("nothing fails");
        count
    }),
    ("read_all_async", |mut reader| Parker::block_on(reader.read_all_async()).expect("nothing fails").len()),
    ("stream", |mut reader| {
        reader.iterate_ahead();
        let mut count = 0;
        Parker::block_on(std::future::poll_fn(|context| {
            loop {
                match std::task::ready!(Pin::new(&mut reader).poll_next(context)) {
                    Some(item) => assert!(item.is_ok()),
                    None => return std::task::Poll::Ready(()),
                }
                count += 1;
            }
        }));
        count
    }),
];

in_parallel! {
    fn slow_calls_overlap_in_every_operator_and_form_of_read(pool) {
        let mut alone = Vec::new();
        for (graph, build) in GRAPHS {
            for (form, read) in FORMS {
                let meetings = Meetings::new(KNOWN, COMPANY);
                let count = read(build(&pool, &meetings));
                assert!(count > 0, "{graph}, {form}");
                let met = meetings.met();
                if met < COMPANY {
                    alone.push(format!("{graph} by {form}: {met} of {CALLS}"));
                }
            }
        }
        assert!(alone.is_empty(), "calls that had company: {alone:#?}");
    }
}
