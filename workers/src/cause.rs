//! Why a function of the user's stopped: an error, or a panic.

use std::any::Any;
use std::error::Error;
use std::fmt;

use parking_lot::Mutex;

use crate::discard::discard;

/// An error that a task's function returns, boxed.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// Why a task stopped.
#[non_exhaustive]
pub enum Cause {
    /// Its function returned this error.
    Error(BoxError),
    /// Its function panicked.
    Panic(Panic),
}

/// A panic that was caught, with its payload.
pub struct Panic {
    message: String,
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Panic {
    /// A panic that was caught with this payload.
    #[must_use]
    pub fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = match payload.downcast_ref::<&str>() {
            Some(text) => (*text).to_owned(),
            None => payload.downcast_ref::<String>().cloned().unwrap_or_else(|| "(no message)".to_owned()),
        };
        Self { message, payload: Mutex::new(Some(payload)) }
    }

    /// The panic's message, where it had one.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The payload, the first time that it is asked for; for [`std::panic::resume_unwind`].
    #[must_use]
    pub fn take_payload(&self) -> Option<Box<dyn Any + Send>> {
        self.payload.lock().take()
    }
}

impl Drop for Panic {
    fn drop(&mut self) {
        // The payload is the user's, and whoever lets go of an error does not expect its drop to
        // unwind.
        discard(self.payload.get_mut().take());
    }
}

impl Cause {
    /// The function panicked with this.
    #[must_use]
    pub fn panic(payload: Box<dyn Any + Send>) -> Self {
        Self::Panic(Panic::new(payload))
    }

    /// As an error by itself.
    #[must_use]
    pub fn into_error(self) -> BoxError {
        match self {
            Self::Error(error) => error,
            Self::Panic(panic) => format!("panicked: {}", panic.message).into(),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Panic(panic) => write!(f, "panicked: {}", panic.message),
        }
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => f.debug_tuple("Error").field(error).finish(),
            Self::Panic(panic) => f.debug_tuple("Panic").field(&panic.message).finish(),
        }
    }
}
