//! The workers that the tests run on: `rayon`, or `gcd` (libdispatch) where the environment variable `MILLPOND_TEST_WORKERS` says so.
//!
//! So each suite shows the same of either; `ci/test-gcd.sh` runs them on libdispatch.

use std::env;

use millpond_pool::{Pool, ScopedPool};

/// A pool of `size` such workers.
pub(crate) fn pool(size: usize) -> Pool {
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

/// Whether the environment asks for libdispatch.
fn is_gcd() -> bool {
    match env::var("MILLPOND_TEST_WORKERS").as_deref() {
        Err(_) | Ok("rayon") => false,
        Ok("gcd") => true,
        Ok(other) => panic!("MILLPOND_TEST_WORKERS is `{other}`; it may be `rayon` or `gcd`"),
    }
}
