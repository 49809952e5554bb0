//! How a fiber comes back to whoever resumed it.

use std::any::Any;

/// What a panic is about.
pub(super) type Payload = Box<dyn Any + Send>;

/// How a fiber came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// In the middle of its job.
    Suspended,
    /// With its job done.
    Done,
}
