//! The host of all threads of the process that have none of their own.

use std::sync::OnceLock;

use super::Host;

static HOST: OnceLock<&'static (dyn Host + Sync)> = OnceLock::new();

/// From now on each wait of a thread in this process that has no host of its own is one of this
/// host's ([`Host::wait`]). Nothing else is asked of it.
///
/// The host is asked on any thread, also on one that holds nothing. The first call counts for the
/// life of the process; returns whether this was it.
pub fn set_process_host(host: &'static (dyn Host + Sync)) -> bool {
    HOST.set(host).is_ok()
}

/// Waits as the process's host says, whoever runs the calling thread: for hosts that make threads
/// of the system wait.
///
/// # Panics
/// When the process's host does not call its argument.
#[inline]
pub fn wait_in_process<R>(wait: impl FnOnce() -> R) -> R {
    match HOST.get() {
        None => wait(),
        Some(host) => {
            let (mut wait, mut result) = (Some(wait), None);
            host.wait(&mut || result = wait.take().map(|wait| wait()));
            result.expect("a host calls what waits")
        }
    }
}
