//! A pool changes its size while it is read from: from the caller alone to workers and back, with
//! the same items in order.

use std::error::Error;
use std::sync::Arc;

use millpond::Pool;

/// Reads one graph in serial mode, with workers, and with a size that a task changes.
pub fn main() -> Result<(), Box<dyn Error>> {
    let pool = Arc::new(Pool::serial());
    let within = Arc::clone(&pool);
    let mut numbers = pool.source(0_u64..).named("numbers").map(move |number| {
        // A task may do it as well; it takes effect at the next chunk.
        if number == 3_000 {
            within.set_size(1);
        }
        number * 2
    });

    // Of size 0 the caller does everything: no thread, no lock.
    assert_eq!(numbers.read(3)?, [0, 2, 4]);

    pool.set_size(2);
    let rest = numbers.read(5_000)?;
    assert!(rest.iter().copied().eq((3..5_003).map(|number| number * 2)));
    println!("5,000 items later the size is {}", pool.size());
    assert_eq!(pool.size(), 1);

    pool.set_size(0);
    assert_eq!(numbers.read(1)?, [10_006]);
    Ok(())
}
