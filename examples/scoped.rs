//! Functions that borrow from the stack: a scope ends when no worker runs any of them.

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};

use millpond::ScopedPool;

/// Looks up words in a list that the pool's functions borrow.
pub fn main() -> Result<(), Box<dyn Error>> {
    let text = "the water stands still until the gate is opened".to_owned();
    let known = ["gate", "mill", "water"].map(str::to_owned);
    let asked = AtomicUsize::new(0);

    let found = ScopedPool::scope(2, |pool| {
        pool.source(text.split(' '))
            .inspect(|_| {
                asked.fetch_add(1, Ordering::Relaxed);
            })
            .filter_map(|word| known.iter().position(|known| known == word))
            .read_all()
    })?;

    println!("found {found:?} after {} words", asked.load(Ordering::Relaxed));
    assert_eq!(found, [2, 0]);
    assert_eq!(asked.into_inner(), 9);
    Ok(())
}
