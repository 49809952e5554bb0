//! Helpers that borrow, from a scope or from a parallel-for.
//!
//! A scope of an engine's runs functions that borrow from the stack of the scope's caller, on
//! threads that live longer than the scope. The borrow checker cannot see that the scope waits for
//! them, so here the lifetime is taken off, and counted by hand.

#![allow(unsafe_code, reason = "threads that outlive the scope run functions that borrow from it")]

use std::sync::Arc;

use millpond_sync::WaitList;
use millpond_sync::shim::Mutex;

use crate::Help;

/// How many helpers hold on to a pool, and whether more may.
#[derive(Debug, Default)]
pub struct Count {
    holders: Mutex<Holders>,
    waiters: WaitList,
}

#[derive(Debug, Default)]
struct Holders {
    count: usize,
    is_closed: bool,
}

impl Count {
    /// One holder more, unless closed.
    fn raise(&self) -> bool {
        let mut holders = self.holders.lock();
        if !holders.is_closed {
            holders.count += 1;
        }
        !holders.is_closed
    }

    fn lower(&self) {
        self.holders.lock().count -= 1;
        self.waiters.notify_all();
    }

    /// Lets nobody hold on any more, and waits until nobody does.
    pub fn close(&self) {
        self.holders.lock().is_closed = true;
        self.waiters.wait_until(|| (self.holders.lock().count == 0).then_some(()));
    }
}

/// A call that others may join while it lasts.
struct Guest {
    /// Valid while [`Count::raise`] says so.
    work: *const (dyn Fn() + Sync),
    count: Arc<Count>,
}

// SAFETY: `work` points to what is `Sync`, and is called only while it is valid, on whichever
// thread.
unsafe impl Send for Guest {}
// SAFETY: as above.
unsafe impl Sync for Guest {}

impl Help for Guest {
    fn help(&self) {
        if self.count.raise() {
            let _leaves = Leaves(&self.count);
            // SAFETY: the count was raised, so `together` has not returned, and does not before it
            // is lowered again; what `work` points to was borrowed by its caller for as long.
            let work = unsafe { &*self.work };
            work();
        }
    }
}

/// Lowers the count, also when what was counted panics.
struct Leaves<'a>(&'a Count);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.lower();
    }
}

/// Closes the count, also when the caller's own part panics.
struct Closes<'a>(&'a Count);

impl Drop for Closes<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Calls `work`, on this thread and on those that `lend` gives the helper to and that come before
/// this thread's call has returned; returns when all these calls have. Threads that come later do
/// nothing, and are not waited for.
pub fn together(work: &(dyn Fn() + Sync), lend: impl FnOnce(Arc<dyn Help>)) {
    // SAFETY: only the lifetime of what is pointed to changes, see `Guest::help`.
    let erased =
        unsafe { std::mem::transmute::<*const (dyn Fn() + Sync + '_), *const (dyn Fn() + Sync + 'static)>(work) };
    let count = Arc::new(Count::default());
    let _closes = Closes(&count);
    lend(Arc::new(Guest { work: erased, count: Arc::clone(&count) }));
    work();
}

/// A thread's hold on what it helps with.
struct Helper<H> {
    /// Let go before the count goes down.
    work: Option<H>,
    count: Arc<Count>,
}

impl<H: Help> Help for Helper<H> {
    fn help(&self) {
        if let Some(work) = &self.work {
            work.help();
        }
    }
}

impl<H> Drop for Helper<H> {
    fn drop(&mut self) {
        drop(self.work.take());
        self.count.lower();
    }
}

/// A helper for [`Workers::lend`](crate::Workers::lend) that may borrow; none when the count is
/// closed.
///
/// # Safety
/// What `work` borrows must live until `count` was [closed](Count::close), and that must have
/// returned. Where it borrows nothing, nothing is asked for.
pub unsafe fn helper<'env, H: Help + 'env>(work: H, count: &Arc<Count>) -> Option<Arc<dyn Help>> {
    if !count.raise() {
        return None;
    }
    let help: Arc<dyn Help + 'env> = Arc::new(Helper { work: Some(work), count: Arc::clone(count) });
    // SAFETY: only the lifetime changes. The helper reaches data of `'env` through `work` alone,
    // which it lets go of before it lowers the count, and the count was raised above. Closing the
    // count refuses further helpers and waits for it to be 0, and until it was closed what is
    // borrowed lives, as the caller promises.
    Some(unsafe { std::mem::transmute::<Arc<dyn Help + 'env>, Arc<dyn Help + 'static>>(help) })
}
