//! Nothing runs until somebody reads, and a read runs what it needs: here over a source without an
//! end.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use millpond::Pool;

/// Counts the calls of a function while more and more is read.
pub fn main() -> Result<(), Box<dyn Error>> {
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);

    let pool = Pool::new(2);
    let mut squares = pool.source(1_u64..).named("numbers").map(move |number| {
        counted.fetch_add(1, Ordering::Relaxed);
        number * number
    });
    println!("declared: {} calls", calls.load(Ordering::Relaxed));
    assert_eq!(calls.load(Ordering::Relaxed), 0);

    println!("read 3: {:?}, {} calls", squares.read(3)?, calls.load(Ordering::Relaxed));
    assert_eq!(calls.load(Ordering::Relaxed), 3);

    // A filter is asked for what is wanted, and asks its input again until that is there.
    let mut divisible = squares.filter(|square| square % 10 == 0);
    println!("read 2 of a filter: {:?}, {} calls", divisible.read(2)?, calls.load(Ordering::Relaxed));
    assert_eq!(calls.load(Ordering::Relaxed), 20, "20 is the second number whose square ends in 0");

    // Iterating pulls a few chunks ahead, as pulling one by one could not be parallel.
    let tenth = divisible.by_ref().nth(9).ok_or("the source has no end")??;
    assert_eq!(tenth, 120 * 120);

    // Dropping the last reader lets go of the tasks, their functions included, as soon as no worker
    // is in one.
    drop(divisible);
    while Arc::strong_count(&calls) > 1 {
        std::thread::yield_now();
    }
    Ok(())
}
