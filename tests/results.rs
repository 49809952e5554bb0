//! What splitting results promises, in every mode.

use millpond::{Pool, PoolReader};

const SIZES: [usize; 4] = [0, 1, 2, 8];

/// Results of the numbers from 0: every third is an error.
fn results(pool: &Pool, count: u64) -> PoolReader<Result<u64, String>> {
    let every_third = |number: u64| if number % 3 == 2 { Err(number.to_string()) } else { Ok(number) };
    pool.source(0..count).map(every_third).named("every third")
}

#[test]
fn both_sides_are_complete_and_in_order() {
    for size in SIZES {
        let pool = Pool::new(size);
        let (accepted, mut rejected) = results(&pool, 3_000).split_results();
        let accepted: Vec<u64> = accepted.map(Ok::<_, String>).filter_map(Result::ok).collect().expect("no error");
        assert!(accepted.into_iter().eq((0..3_000).filter(|number| number % 3 != 2)), "size {size}");
        let rejected = rejected.read_all().expect("no error");
        assert!(rejected.into_iter().eq((2..3_000).step_by(3).map(|number| number.to_string())), "size {size}");
    }
}

#[test]
fn reading_one_side_makes_only_what_it_needs() {
    for size in SIZES {
        let pool = Pool::new(size);
        let (_accepted, mut rejected) = results(&pool, u64::MAX).split_results();
        assert_eq!(rejected.read(2).expect("no error"), ["2", "5"], "size {size}");
        let graph = pool.graph();
        let made = graph.iter().find(|(_, task)| &*task.name == "every third").map(|(_, task)| task.items);
        assert_eq!(made, Some(6), "size {size}");
    }
}

#[test]
fn a_reader_that_has_been_read_from_can_still_be_split() {
    for size in SIZES {
        let pool = Pool::new(size);
        let mut results = results(&pool, 9);
        assert_eq!(results.read(2).expect("no error"), [Ok(0), Ok(1)], "size {size}");
        let (mut accepted, mut rejected) = results.split_results();
        assert_eq!(accepted.read_all().expect("no error"), [3, 4, 6, 7], "size {size}");
        assert_eq!(rejected.read_all().expect("no error"), ["2", "5", "8"], "size {size}");
    }
}

#[test]
fn a_side_that_is_dropped_holds_up_nobody() {
    for size in SIZES {
        let pool = Pool::new(size);
        let (accepted, mut rejected) = results(&pool, 300).split_results();
        drop(accepted);
        assert_eq!(rejected.read_all().expect("no error").len(), 100, "size {size}");
        drop(rejected);
        // A helper that is on its way out may hold on to them for a moment.
        while pool.task_count() > 0 {
            std::thread::yield_now();
        }
    }
}
