//! Assertions say what is wrong.

use millpond_testing::{Check, assert_each_once, assert_in_order};

use crate::message;

#[test]
fn order_is_compared_item_by_item() {
    assert_in_order(&[1, 2, 3], &[1, 2, 3]);
    assert_eq!(message(|| assert_in_order(&[1, 3, 2], &[1, 2, 3])), "item `1` is `3` and should be `2`");
    assert_eq!(
        message(|| assert_in_order(&[1, 2], &[1, 2, 3])),
        "there are `2` items and should be `3`; as far as they go they are right"
    );
}

#[test]
fn what_is_lost_or_doubled_is_named() {
    assert_each_once(&["b", "a"], &["a", "b"]);
    assert_eq!(message(|| assert_each_once(&[1, 2, 2], &[1, 2, 3])), "lost: `3`; doubled, or out of nowhere: `2`");
}

#[test]
fn laziness_is_counted() {
    Check::new().seeds(0..50).run(|trial| {
        let double = trial.counted("double", |n: u32| n * 2);
        let mut reader = trial.source(trial.counted_items("numbers", 0..)).map(double);
        assert_eq!(reader.read(5).unwrap(), [0, 2, 4, 6, 8]);
        trial.assert_calls_at_most("double", 5);
        assert_eq!(trial.calls("numbers"), 5);
        assert_eq!(trial.calls("nothing"), 0);
    });
    let failure = Check::new().seeds(0..1).find(|trial| {
        let mut reader = trial.source(0..9).map(trial.counted("same", |n: u32| n)).min_count(4);
        assert_eq!(reader.read(1).unwrap(), [0]);
        trial.assert_calls_at_most("same", 1);
    });
    let failure = failure.expect_err("more is made than is read");
    assert_eq!(failure.to_string(), "in serial mode: `same` was called `4` times and should be `1` times at the most");
}

#[test]
fn items_in_flight_are_bounded_and_gone_at_the_end() {
    Check::new().seeds(0..50).run(|trial| {
        let mut reader = trial.source(0..2_000_u32).map(trial.tracker()).max_chunksize(5).sequential(|item| item);
        let mut sum = 0;
        for item in reader.by_ref() {
            sum += u64::from(*item.unwrap());
        }
        // For each of the two lanes a window of two chunks for each of at most 4 workers, what these make, and what the reader took.
        trial.assert_peak_at_most(5 * 2 * (2 * 4 + 4) + 100);
        drop(reader);
        trial.assert_quiet();
        sum
    });
    let left = message(|| {
        Check::new().threads([]).seeds(0..0).run(|trial| {
            let item = trial.tracked(1);
            trial.assert_peak_at_most(0);
            drop(item);
        });
    });
    assert_eq!(left, "in serial mode: `1` items were in flight at once and should be `0` at the most");
}
