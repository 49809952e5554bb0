//! The sizes that the README states.

use millpond_channel::{Reader, Writer};

#[test]
fn the_ends_are_as_small_as_the_readme_says() {
    assert_eq!((size_of::<Writer<u64>>(), size_of::<Reader<u64>>()), (16, 56));
}
