//! What was read, compared with what should have been.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;

/// Checks that the items are those, in that order; says where they first differ.
///
/// # Panics
/// When they are not.
#[track_caller]
pub fn assert_in_order<T: PartialEq + Debug>(items: &[T], expected: &[T]) {
    let differs = items.iter().zip(expected).position(|(item, expected)| item != expected);
    if let Some(at) = differs {
        panic!("item `{at}` is `{:?}` and should be `{:?}`", items[at], expected[at]);
    }
    assert!(
        items.len() == expected.len(),
        "there are `{}` items and should be `{}`; as far as they go they are right",
        items.len(),
        expected.len()
    );
}

/// Checks that each item is there as often as it is expected, in any order; names what was lost and what was doubled.
///
/// # Panics
/// When that is not so.
#[track_caller]
pub fn assert_each_once<T: Eq + Hash + Debug>(items: &[T], expected: &[T]) {
    let mut counts: HashMap<&T, i64> = HashMap::new();
    expected.iter().for_each(|item| *counts.entry(item).or_default() -= 1);
    items.iter().for_each(|item| *counts.entry(item).or_default() += 1);
    let some = |test: fn(i64) -> bool| {
        let mut found: Vec<String> =
            counts.iter().filter(|(_, count)| test(**count)).map(|(item, _)| format!("{item:?}")).collect();
        found.sort();
        found.truncate(8);
        found.join(", ")
    };
    let (lost, doubled) = (some(|count| count < 0), some(|count| count > 0));
    assert!(lost.is_empty() && doubled.is_empty(), "lost: `{lost}`; doubled, or out of nowhere: `{doubled}`");
}
