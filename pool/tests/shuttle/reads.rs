//! Reads that block.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::sync::{Condvar, Mutex};
use shuttle::thread;

use crate::setup::{explore, with_pool};

/// ```text
/// reader     walks: source → map → sequential … takes
/// helper a           walks: the head is out … makes … lands
/// helper b                   walks … lands … finds nothing … goes
/// ```
#[test]
fn a_reader_and_two_helpers_keep_the_order() {
    explore(|| {
        with_pool(3, |pool| {
            let mut reader =
                pool.source(0..12_u32).max_chunksize(2).map(|n| n * 2).sequential(|n| n + 1).map(|n| n * 3);
            assert_eq!(reader.read(5).unwrap(), [3, 9, 15, 21, 27]);
            assert_eq!(reader.read_all().unwrap(), [33, 39, 45, 51, 57, 63, 69]);
        });
    });
}

/// Reads of a few items, of which each calls the function for no more than it gives.
pub(crate) fn counted_reads() {
    with_pool(3, |pool| {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let mut reader = pool.source(0_usize..).max_chunksize(1).map(move |n| {
            counted.fetch_add(1, Ordering::Relaxed);
            n
        });
        for (round, count) in [3, 1, 4].into_iter().enumerate() {
            let before = calls.load(Ordering::Relaxed);
            let items = reader.read(count).unwrap();
            assert!(items.iter().copied().eq(before..before + count), "round {round}: {items:?}");
            assert_eq!(calls.load(Ordering::Relaxed), before + count, "calls of round {round}");
        }
    });
}

/// ```text
/// reader    lacks 3: grants 1            grants 1
/// helper               lacks 2: grants 1            lacks 0
/// ```
#[test]
fn readers_and_helpers_together_make_what_is_missing_and_no_more() {
    explore(counted_reads);
}

/// A reader that waits, in its second item, until another one is begun, which only a helper can do meanwhile: the work is worth one.
pub(crate) fn an_item_that_waits_for_the_next() {
    with_pool(2, |pool| {
        let has_begun = Arc::new((Mutex::new(false), Condvar::new()));
        let mut reader = pool.source(0..3_u32).max_chunksize(1).map(move |n| {
            let (flag, told) = &*has_begun;
            let mut flag = flag.lock().unwrap();
            match n {
                1 => drop(told.wait_while(flag, |has_begun| !*has_begun).unwrap()),
                2 => {
                    *flag = true;
                    told.notify_all();
                }
                _ => {}
            }
            n
        });
        assert_eq!(reader.read(3).unwrap(), [0, 1, 2]);
    });
}

/// ```text
/// reader   grants 1 … makes it, tick: asks for a helper ── is in it for long
/// helper                               counts out, tick? stays   … or comes: grants 1
/// ```
#[test]
fn a_reader_in_a_long_item_has_a_helper_for_the_next() {
    explore(an_item_that_waits_for_the_next);
}

/// ```text
/// reader a   wants 3 … takes … wants 3 … sleeps at the head ───┐
/// reader b   wants 2 … the head is out … lands: tells them ────┘
/// ```
#[test]
fn two_readers_of_one_output_share_its_items() {
    explore(|| {
        with_pool(2, |pool| {
            let mut reader = pool.source(0..10_u32).max_chunksize(2).map(|n| n + 1);
            let mut other = reader.clone();
            let there = thread::spawn(move || {
                let mut items = Vec::new();
                loop {
                    let more = other.read(2).unwrap();
                    if more.is_empty() {
                        return items;
                    }
                    items.extend(more);
                }
            });
            let mut items = Vec::new();
            loop {
                let more = reader.read(3).unwrap();
                if more.is_empty() {
                    break;
                }
                assert!(more.is_sorted());
                items.extend(more);
            }
            items.extend(there.join().unwrap());
            items.sort_unstable();
            assert!(items.into_iter().eq(1..=10));
        });
    });
}

/// ```text
/// branch a   lacks 4: fires the common lane … lands for both
/// branch b   lacks 4: the head is out, sleeps ──────────┘ … drops itself
/// ```
#[test]
fn two_branches_get_every_item_also_when_one_goes_early() {
    explore(|| {
        with_pool(2, |pool| {
            let mut branches = pool.source(0..8_u32).max_chunksize(2).map(|n| n + 1).tee(2).into_iter();
            let mut whole = branches.next().unwrap().map(|n| n * 10);
            let mut brief = branches.next().unwrap().sequential(|n| n);
            let there = thread::spawn(move || brief.read(3).unwrap());
            assert!(whole.read_all().unwrap().into_iter().eq((1..=8).map(|n| n * 10)));
            assert_eq!(there.join().unwrap(), [1, 2, 3]);
        });
    });
}

/// ```text
/// reader   zip lacks left, right … sleeps at both heads
/// helper   left … lands      right … fails at the fourth item, lands
/// ```
#[test]
fn items_before_a_failure_come_before_it() {
    explore(|| {
        with_pool(3, |pool| {
            let left = pool.source(0..9_u32).max_chunksize(2);
            let right = pool.source(0..9_u32).max_chunksize(1).try_map(|n| if n == 3 { Err("three") } else { Ok(n) });
            let mut pairs = left.zip(right).map(|(left, right)| left + right);
            let error = pairs.read(9).unwrap_err();
            let error = error.as_task_error().expect("that of `try_map`");
            assert_eq!((error.index(), error.unread()), (3, 3));
            assert_eq!(pairs.read(3).unwrap(), [0, 2, 4]);
            assert_eq!(pairs.read(1).unwrap_err().as_task_error().map(|error| error.index()), Some(3));
        });
    });
}

/// ```text
/// reader   iterates: a window of chunks is wanted
/// helper   fills the window … full … the reader takes: room ─ goes on
/// ```
#[test]
fn an_iteration_is_filled_and_its_rest_goes_to_the_next_reader() {
    explore(|| {
        with_pool(2, |pool| {
            let mut reader = pool.source(0..9_u32).max_chunksize(1).batch(2).flatten().unordered();
            let mut items: Vec<_> = reader.by_ref().take(3).map(Result::unwrap).collect();
            let mut next = reader.clone();
            drop(reader);
            items.extend(next.read_all().unwrap());
            items.sort_unstable();
            assert!(items.into_iter().eq(0..9));
        });
    });
}

/// A branch whose iteration gives its rest back while another branch reads.
pub(crate) fn a_rest_that_comes_back() {
    with_pool(2, |pool| {
        let [mut here, mut there] = <[_; 2]>::try_from(pool.source(0..6_u32).tee(2)).ok().unwrap();
        let other = thread::spawn(move || {
            let one_by_one: Vec<_> = (0..6).flat_map(|_| there.read(1).unwrap()).collect();
            assert_eq!(one_by_one, [0, 1, 2, 3, 4, 5], "the order of the other branch");
        });
        let mut items: Vec<_> = here.by_ref().take(1).map(Result::unwrap).collect();
        items.extend(here.read(1).unwrap());
        items.extend(here.by_ref().take(2).map(Result::unwrap));
        items.extend(here.read_all().unwrap());
        assert_eq!(items, [0, 1, 2, 3, 4, 5], "the order of items that came back");
        other.join().unwrap();
    });
}

/// ```text
/// reader         iterates … gives the rest back              takes the rest
/// other reader                                  takes it in
/// ```
#[test]
fn what_an_iteration_gives_back_comes_first() {
    explore(a_rest_that_comes_back);
}

/// ```text
/// outer   fires: its function reads from the inner lane, whose head a helper has out
/// helper  … lands: tells who waits ─┘
/// ```
#[test]
fn a_function_that_reads_goes_on() {
    explore(|| {
        with_pool(2, |pool| {
            let inner = pool.source(0..8_u32).max_chunksize(1).map(|n| n + 1);
            let mut outer = pool.source(0..4_u32).max_chunksize(1).map({
                let inner = Mutex::new(Some(inner));
                move |n| {
                    let mut reader = inner.lock().unwrap().as_ref().unwrap().clone();
                    n + reader.read(2).unwrap().len() as u32
                }
            });
            assert_eq!(outer.read_all().unwrap(), [2, 3, 4, 5]);
        });
    });
}
