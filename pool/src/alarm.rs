//! Wakes readers that await at a moment: nobody else tells them that nothing has come.
//!
//! A reader that blocks sleeps until then itself. One that awaits is polled by whoever runs it, who
//! need not have a clock. The thread of a pool's alarm is started by the first reader that needs
//! it, and ends when none does.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::task::Wake;
use std::thread;
use std::time::Instant;

use millpond_sync::host;

/// Whom to wake, and when.
struct Calls<W> {
    list: Vec<(Instant, Weak<W>)>,
    is_running: bool,
    is_over: bool,
}

/// Who is woken is told as by a [`Waker`](std::task::Waker); nobody is kept for it.
pub(crate) struct Alarm<W> {
    calls: Mutex<Calls<W>>,
    changed: Condvar,
}

impl<W> Default for Alarm<W> {
    fn default() -> Self {
        let calls = Calls { list: Vec::new(), is_running: false, is_over: false };
        Self { calls: Mutex::new(calls), changed: Condvar::new() }
    }
}

impl<W: Wake + Send + Sync + 'static> Alarm<W> {
    /// Has `waiters` told at this moment, or earlier where that was asked for.
    ///
    /// In a simulation nobody is told: there a reader that nobody can wake is found as a deadlock.
    pub(crate) fn call(self: &Arc<Self>, moment: Instant, waiters: &Arc<W>) {
        if host::is_simulated() {
            return;
        }
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = |(at, of): &(Instant, Weak<W>)| of.as_ptr() == Arc::as_ptr(waiters) && *at <= moment;
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
            let due: Vec<(Instant, Weak<W>)> = due;
            due.iter().filter_map(|(_, waiters)| waiters.upgrade()).for_each(Wake::wake);
            calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        }
    }
}
