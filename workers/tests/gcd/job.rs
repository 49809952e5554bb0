//! Jobs to lend threads to.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use millpond_workers::Help;
use parking_lot::Mutex;

/// A job whose help is a call of a closure.
pub(crate) struct Job<F>(F);

impl<F: Fn() + Send + Sync + 'static> Job<F> {
    /// A job that calls `help`.
    pub(crate) fn new(help: F) -> Arc<Self> {
        Arc::new(Self(help))
    }
}

impl<F: Fn() + Send + Sync> Help for Job<F> {
    fn help(&self) {
        (self.0)();
    }
}

/// A job that says when a thread has come to help, and keeps it until told to let it go.
pub(crate) struct Turnstile {
    /// Gets a message for each thread that comes.
    pub(crate) entered: Receiver<()>,
    /// Lets a thread go for each message, and all of them once it is dropped.
    pub(crate) leave: Sender<()>,
    /// Gets a message for each thread that goes.
    pub(crate) left: Receiver<()>,
    pub(crate) job: Arc<dyn Help>,
}

impl Turnstile {
    /// A closed turnstile.
    pub(crate) fn new() -> Self {
        let (enter, entered) = channel();
        let (leave, may_leave) = channel();
        let (say_left, left) = channel();
        let may_leave = Mutex::new(may_leave);
        let job = Job::new(move || {
            // A receiver that is gone is a test that no longer asks.
            let _ = enter.send(());
            let _ = may_leave.lock().recv();
            let _ = say_left.send(());
        });
        Self { entered, leave, left, job }
    }
}
