//! On what a case runs.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use millpond_pool::Pool;
use millpond_pool::simulation::{Faults, Simulation};

use crate::random::Random;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Serial,
    Rayon(usize),
    /// Another thread changes the size meanwhile.
    Resized(usize),
    Gcd(usize),
    Simulated(u64),
}

/// Whether libdispatch can be had.
pub(crate) fn has_gcd() -> bool {
    static HAS: OnceLock<bool> = OnceLock::new();
    *HAS.get_or_init(|| gcd(1).is_some())
}

#[cfg(feature = "gcd")]
fn gcd(size: usize) -> Option<Pool> {
    Pool::gcd(size).ok()
}

#[cfg(not(feature = "gcd"))]
fn gcd(_size: usize) -> Option<Pool> {
    None
}

impl Mode {
    /// A mode on threads.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let size = [1, 2, 8][random.below(3) as usize];
        match random.below(6) {
            0 => Self::Serial,
            1 if has_gcd() => Self::Gcd(size),
            2 => Self::Resized(size),
            _ => Self::Rayon(size),
        }
    }

    pub(crate) fn pool(self) -> Pool {
        match self {
            Self::Serial => Pool::serial(),
            Self::Rayon(size) | Self::Resized(size) => Pool::rayon(size),
            Self::Gcd(size) => gcd(size).expect("libdispatch was there before"),
            Self::Simulated(seed) => {
                let faults = match seed % 3 {
                    0 => Faults::none().slow(20).cancel(4),
                    1 => Faults::none().resize(4).cancel(8),
                    _ => Faults::harmless().cancel(8),
                };
                let simulation = Simulation::new(seed).faults(faults);
                Pool::simulated_with(simulation.patience(Duration::ZERO).most_steps(20_000_000).quiet())
            }
        }
    }

    /// Runs `body`; in this mode another thread may change the size of the pool over and over meanwhile. Gives how often.
    pub(crate) fn beside<R>(self, pool: &Pool, body: impl FnOnce() -> R) -> (R, u64) {
        if !matches!(self, Self::Resized(_)) {
            return (body(), 0);
        }
        let is_over = AtomicBool::new(false);
        let resizes = AtomicU64::new(0);
        let result = thread::scope(|scope| {
            scope.spawn(|| {
                for size in [0, 2, 1, 8, 0, 3].into_iter().cycle() {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    pool.set_size(size);
                    resizes.fetch_add(1, Ordering::Relaxed);
                    thread::sleep(Duration::from_micros(200));
                }
            });
            let _over = Over(&is_over);
            body()
        });
        (result, resizes.into_inner())
    }
}

/// Says that something is over, by a panic too.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
