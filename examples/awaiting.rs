//! A pool reader in asynchronous code, on no particular runtime: `read_async` is a future and the
//! reader is a `Stream`.

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use millpond::Pool;

/// Reads two graphs in turn from one task of a runtime; the pool's workers do the work.
async fn report(pool: &Pool) -> Result<(u64, u64), Box<dyn Error>> {
    let mut squares = pool.source(1_u64..=1_000).map(|number| number * number);
    let mut cubes = pool.source(1_u64..=1_000).map(|number| number * number * number);
    let first = squares.read_async(3).await?;
    assert_eq!(first, [1, 4, 9]);
    let squares: u64 = squares.read_all_async().await?.into_iter().sum();
    let cubes: u64 = cubes.read_all_async().await?.into_iter().sum();
    Ok((squares, cubes))
}

/// Runs the report without a runtime.
pub fn main() -> Result<(), Box<dyn Error>> {
    let pool = Pool::new(2);
    let (squares, cubes) = block_on(report(&pool))?;
    println!("squares from 4 on: {squares}, cubes: {cubes}");
    assert_eq!((squares, cubes), (333_833_500 - 14, 500_500 * 500_500));
    Ok(())
}

/// The smallest runtime: polls, and parks its thread in between.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
