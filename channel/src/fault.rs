//! Ways to break a channel on purpose, so that tests show that the model checkers find it.

pub(crate) use millpond_sync::fault::is;

/// What can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A party that waits does not take a turn of the other side's gate.
    NoVisit,
    /// Items are counted as written before they are in their slots, as far as the other side sees.
    EarlyPublication,
    /// A reader does not look again for items after it has seen the close.
    ClosedAtOnce,
}
