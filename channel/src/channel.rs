//! The flavours of a channel, and how both ends reach the one they have.

use crate::core::Core;
use crate::exclusive::{SharedGate, ThreadGate};
use millpond_sync::WaitList;
use millpond_sync::shim::Arc;
use std::fmt;
use std::ops::Deref;

/// The one flavour that an end has. Sharing it does not make an end.
pub(crate) enum Channel<T> {
    /// Unbounded or bounded.
    Threaded(Arc<Core<T, SharedGate>>),
    /// For one thread.
    Serial(Arc<Core<T, ThreadGate>>),
}

/// Evaluates an expression with the core of whatever flavour a channel has.
macro_rules! with_core {
    ($channel:expr, $core:ident => $body:expr) => {
        match $channel {
            $crate::channel::Channel::Threaded($core) => $body,
            $crate::channel::Channel::Serial($core) => $body,
        }
    };
}
pub(crate) use with_core;

impl<T> Channel<T> {
    pub(crate) fn share(&self) -> Self {
        match self {
            Self::Threaded(core) => Self::Threaded(Arc::clone(core)),
            Self::Serial(core) => Self::Serial(Arc::clone(core)),
        }
    }

    /// Whether both are the same channel.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Threaded(core), Self::Threaded(other)) => Arc::ptr_eq(core, other),
            (Self::Serial(core), Self::Serial(other)) => Arc::ptr_eq(core, other),
            _ => false,
        }
    }

    /// What `Debug` of an end named `end` shows.
    pub(crate) fn describe(&self, end: &str, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flavour = match self {
            Self::Threaded(core) if core.capacity().is_some() => "bounded",
            Self::Threaded(_) => "unbounded",
            Self::Serial(_) => "serial",
        };
        let mut fields = formatter.debug_struct(end);
        fields.field("flavour", &flavour);
        with_core!(self, core => fields.field("channel", core)).finish()
    }
}

/// Which list of a channel.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Readers,
    Writers,
}

/// One list of a channel that keeps the channel alive.
pub(crate) struct OwnedList<T> {
    channel: Channel<T>,
    side: Side,
}

impl<T> OwnedList<T> {
    pub(crate) const fn new(channel: Channel<T>, side: Side) -> Self {
        Self { channel, side }
    }
}

impl<T> Deref for OwnedList<T> {
    type Target = WaitList;

    fn deref(&self) -> &WaitList {
        match self.side {
            Side::Readers => with_core!(&self.channel, core => core.readers()),
            Side::Writers => with_core!(&self.channel, core => core.writers()),
        }
    }
}
