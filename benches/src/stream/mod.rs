//! The cases of the group `stream`.

pub mod bodies;
pub mod changing;
pub mod joints;
pub mod maps;
pub mod memory;
pub mod scaling;
pub mod threads;

/// How many workers ours and the rivals have; a thread per stage has as many threads as there are
/// stages.
pub const WORKERS: usize = 2;

/// A rayon pool of as many threads as ours has workers.
///
/// # Panics
/// If its threads cannot be started.
#[must_use]
pub fn rayon_pool() -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(WORKERS).build().expect("threads can be started")
}
