//! Wakes readers that await at a moment: nobody else tells them that nothing has come.
//!
//! A reader that blocks sleeps until then itself. One that awaits is polled by whoever runs it, who need not have a clock. The
//! thread of a pool's alarm is started by the first reader that needs it, and ends when none does.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Instant;

use millpond_sync::host;

/// Who may be called.
pub(crate) trait Called: Send + Sync {
    /// It is time.
    fn called(&self);
}

/// Whom to wake, and when.
#[derive(Default)]
struct Calls {
    list: Vec<(Instant, Weak<dyn Called>)>,
    is_running: bool,
    is_over: bool,
}

#[derive(Default)]
pub(crate) struct Alarm {
    calls: Mutex<Calls>,
    changed: Condvar,
}

impl Alarm {
    /// Has `waiters` called at this moment, or earlier where that was asked for.
    ///
    /// In a simulation nobody is told: there a reader that nobody can wake is found as a deadlock.
    pub(crate) fn call(self: &Arc<Self>, moment: Instant, waiters: &Arc<dyn Called>) {
        if host::is_simulated() {
            return;
        }
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = |(at, of): &(Instant, Weak<dyn Called>)| {
            std::ptr::addr_eq(of.as_ptr(), Arc::as_ptr(waiters)) && *at <= moment
        };
        if calls.is_over || calls.list.iter().any(is_known) {
            return;
        }
        calls.list.push((moment, Arc::downgrade(waiters)));
        if calls.is_running {
            self.changed.notify_one();
        } else {
            let alarm = Arc::clone(self);
            let thread = thread::Builder::new().name("millpond-alarm".to_owned());
            calls.is_running = thread.spawn(move || alarm.run()).is_ok();
        }
    }

    /// Ends the thread, if there is one.
    pub(crate) fn end(&self) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).is_over = true;
        self.changed.notify_one();
    }

    fn run(&self) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            calls.list.retain(|(_, waiters)| waiters.strong_count() > 0);
            let next = calls.list.iter().map(|(moment, _)| *moment).min().filter(|_| !calls.is_over);
            let Some(next) = next else {
                calls.is_running = false;
                return;
            };
            let now = Instant::now();
            if now < next {
                calls = self.changed.wait_timeout(calls, next - now).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let (due, later) = std::mem::take(&mut calls.list).into_iter().partition(|(moment, _)| *moment <= now);
            calls.list = later;
            drop(calls);
            let due: Vec<(Instant, Weak<dyn Called>)> = due;
            for waiters in due.iter().filter_map(|(_, waiters)| waiters.upgrade()) {
                waiters.called();
            }
            calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        }
    }
}
