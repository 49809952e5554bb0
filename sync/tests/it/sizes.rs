//! The sizes that the README states.

use millpond_sync::{Mutex, WaitList};

#[test]
fn a_list_without_waiters_is_as_small_as_the_readme_says() {
    assert_eq!(size_of::<WaitList>(), 64);
}

#[test]
fn a_mutex_is_as_small_as_the_readme_says() {
    assert_eq!(size_of::<Mutex<()>>(), 32);
}
