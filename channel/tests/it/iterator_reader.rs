//! Iterators as readers.

use millpond_channel::{IteratorReader, ReadItems, TryReadError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

#[test]
fn an_iterator_is_read_in_counts() {
    let mut reader = IteratorReader::new(vec!['a', 'b', 'c', 'd']);
    assert_eq!(reader.read(1).unwrap(), ['a']);
    assert_eq!(reader.try_read(2).unwrap(), ['b', 'c']);
    assert_eq!(reader.read_deadline(5, Instant::now()).unwrap(), ['d']);
    assert_eq!(reader.read(1).unwrap(), []);
    assert_eq!(reader.try_read(1), Err(TryReadError::Closed));
}

#[test]
fn only_what_is_read_is_taken_from_an_endless_iterator() {
    let mut taken = 0;
    let mut reader = IteratorReader::new(std::iter::from_fn(|| {
        taken += 1;
        Some(taken)
    }));
    assert_eq!(reader.read(3).unwrap(), [1, 2, 3]);
    assert_eq!(reader.read(1).unwrap(), [4]);
    drop(reader);
    assert_eq!(taken, 4);
}

#[test]
fn what_came_before_a_panic_of_the_iterator_is_not_lost() {
    let mut reader = IteratorReader::new((0..6).inspect(|&item| assert_ne!(item, 3, "three is bad")));
    assert!(catch_unwind(AssertUnwindSafe(|| reader.read(5))).is_err());
    assert_eq!(reader.read(2).unwrap(), [0, 1]);
    assert_eq!(reader.read(usize::MAX).unwrap(), [2, 4, 5]);
}
