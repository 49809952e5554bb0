//! Options that make no sense, refused where they are given.

/// Refuses an option of 0.
#[track_caller]
pub(crate) fn at_least_one(task: &str, option: &str, value: usize) {
    assert!(value > 0, "task `{task}` was given a {option} of `0`; give 1 or more");
}
