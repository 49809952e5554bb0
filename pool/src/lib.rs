//! Tasks joined by channels, pulled through a pool of workers.

mod pool;
pub mod workers;

pub use pool::Pool;
