//! The workers that the tests run on: `rayon`, or `gcd` (libdispatch) or `simulation` where the environment variable
//! `MILLPOND_TEST_WORKERS` says so; `simulation-on-threads` for simulations whose helpers are threads.
//!
//! So each suite shows the same of all; `ci/test-gcd.sh` runs them on libdispatch, `ci/test-simulation.sh` in simulations.

use std::env;

use millpond_pool::{Pool, ScopedPool};

/// A pool of `size` such workers.
pub(crate) fn pool(size: usize) -> Pool {
    if is_simulation() {
        return simulated(size);
    }
    if !is_gcd() {
        return Pool::rayon(size);
    }
    #[cfg(feature = "gcd")]
    return Pool::gcd(size).unwrap_or_else(|error| panic!("{error}; ci/test-gcd.sh brings the library"));
    #[cfg(not(feature = "gcd"))]
    panic!("testing on libdispatch takes the feature `gcd`");
}

/// A scope with a pool of `size` such workers, as [`ScopedPool::scope`].
#[allow(dead_code, reason = "not every suite has scopes")]
pub(crate) fn scope<'env, R>(size: usize, body: impl FnOnce(&ScopedPool<'env>) -> R) -> R {
    #[cfg(feature = "gcd")]
    if is_gcd() {
        use millpond_pool::workers::{GcdWorkers, QualityOfService};
        let workers = GcdWorkers::new(size, QualityOfService::Default).expect("ci/test-gcd.sh brings the library");
        return ScopedPool::scope_with_workers(size, std::sync::Arc::new(workers), body);
    }
    ScopedPool::scope(size, body)
}

/// A simulated pool: the first of a thread by the seed in `MILLPOND_TEST_SEED`, or 1, each further one by the next.
#[cfg(feature = "simulation")]
fn simulated(size: usize) -> Pool {
    use millpond_pool::simulation::Simulation;
    thread_local!(static SEED: std::cell::Cell<u64> = std::cell::Cell::new(
        env::var("MILLPOND_TEST_SEED").map_or(1, |seed| seed.parse().expect("MILLPOND_TEST_SEED is a number"))
    ));
    let seed = SEED.replace(SEED.get() + 1);
    // The suites have threads of their own, which read and write beside the simulation.
    let simulation = Simulation::new(seed).workers(size).with_outsiders();
    Pool::simulated_with(if asked() == "simulation-on-threads" { simulation.on_threads() } else { simulation })
}

#[cfg(not(feature = "simulation"))]
fn simulated(_size: usize) -> Pool {
    panic!("testing in simulations takes the feature `simulation`");
}

/// Whether the environment asks for simulations.
pub(crate) fn is_simulation() -> bool {
    asked().starts_with("simulation")
}

/// Whether the environment asks for libdispatch.
fn is_gcd() -> bool {
    asked() == "gcd"
}

fn asked() -> &'static str {
    match env::var("MILLPOND_TEST_WORKERS").as_deref() {
        Err(_) | Ok("rayon") => "rayon",
        Ok("gcd") => "gcd",
        Ok("simulation") => "simulation",
        Ok("simulation-on-threads") => "simulation-on-threads",
        Ok(other) => panic!(
            "MILLPOND_TEST_WORKERS is `{other}`; it may be `rayon`, `gcd`, `simulation` or `simulation-on-threads`"
        ),
    }
}
