//! Pools whose functions borrow from the stack.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use millpond_pool::ReadError;

use crate::workers;

/// The sizes of pools that every test is run with.
const SIZES: [usize; 4] = [0, 1, 2, 8];

watched_tests! {
    fn functions_borrow_what_outlives_the_scope() {
        for size in SIZES {
            let words: Vec<String> = (0..2000).map(|n| n.to_string()).collect();
            let letters = AtomicUsize::new(0);
            let longest = workers::scope(size, |pool| {
                pool.source(&words)
                    .map(|word| {
                        letters.fetch_add(word.len(), Ordering::Relaxed);
                        word
                    })
                    .filter(|word| word.len() == 4)
                    .collect::<Vec<&String>>()
            });
            assert_eq!(longest.unwrap(), words.iter().filter(|word| word.len() == 4).collect::<Vec<_>>());
            assert_eq!(letters.into_inner(), words.iter().map(String::len).sum());
        }
    }

    fn a_scope_waits_for_helpers_of_reads_that_were_given_up() {
        for size in SIZES {
            for _ in 0..20 {
                let numbers: Vec<u64> = (0..5000).collect();
                let seen = AtomicUsize::new(0);
                workers::scope(size, |pool| {
                    let mut reader = pool.source(&numbers).map(|n| {
                        seen.fetch_add(1, Ordering::Relaxed);
                        (0..100).fold(*n, |sum, k| std::hint::black_box(sum ^ k))
                    });
                    assert_eq!(Iterator::take(reader.by_ref(), 50).map(Result::unwrap).count(), 50);
                });
                let after = seen.load(Ordering::Relaxed);
                drop(numbers);
                std::thread::yield_now();
                assert_eq!(seen.load(Ordering::Relaxed), after, "a function ran after its scope");
            }
        }
    }

    fn a_scope_ends_in_order_when_its_body_panics() {
        for size in SIZES {
            let numbers: Vec<u64> = (0..100_000).collect();
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                workers::scope(size, |pool| {
                    let mut reader = pool.source(&numbers).map(|n| *n).sequential(|n| n).map(|n| n);
                    let item = reader.by_ref().nth(100).unwrap().unwrap();
                    resume_unwind(Box::new(item));
                })
            }));
            assert_eq!(outcome.unwrap_err().downcast_ref(), Some(&100_u64));
        }
    }

    fn a_reader_that_leaves_its_scope_says_that_the_pool_is_gone() {
        for size in SIZES {
            let numbers = [1, 2, 3];
            let mut reader = workers::scope(size, |pool| pool.source(&numbers).map(|n| *n).named("left"));
            assert!(matches!(reader.read(1), Err(ReadError::PoolGone { task }) if &*task == "left"));
        }
    }

    fn threads_of_a_scope_read_together() {
        for size in [1, 2, 8] {
            let numbers: Vec<u64> = (0..3000).collect();
            let total = AtomicUsize::new(0);
            workers::scope(size, |pool| {
                let reader = pool.source(&numbers).map(|n| n);
                std::thread::scope(|scope| {
                    for _ in 0..3 {
                        let mut reader = reader.clone();
                        let total = &total;
                        scope.spawn(move || {
                            while let items @ [_, ..] = &reader.read(11).unwrap()[..] {
                                total.fetch_add(items.len(), Ordering::Relaxed);
                            }
                        });
                    }
                });
            });
            assert_eq!(total.into_inner(), 3000);
        }
    }
}
