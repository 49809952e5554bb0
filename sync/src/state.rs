//! The states of one waiter and the one function that moves between them.
//!
//! The table in the crate's `README.md` says the same, with who moves and who is woken; a test
//! compares the two.

/// Where a waiter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaiterState {
    /// The slot belongs to nobody; it is in the list of free slots and holds no waker.
    Vacant,
    /// In the list, with a waker, and no notification has hit it.
    Waiting,
    /// Out of the list; it carries one notification that only it has, and its waker has been or is
    /// about to be called.
    NotifiedOne,
    /// Out of the list; it was woken together with all others, so it carries nothing that another
    /// would miss.
    NotifiedAll,
    /// Out of the list; what it waited for is already its own, before it runs. Its waker has been
    /// or is about to be called.
    Granted,
}

/// What can happen to a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaiterEvent {
    /// It enters the list, at the end.
    Enter,
    /// It looks whether it has been notified, and renews its waker if not.
    Update,
    /// A notification for one waiter hits it.
    Notify,
    /// A notification for all hits it.
    NotifyAll,
    /// It is given what it waits for.
    Grant,
    /// It leaves and takes with it what it was given.
    Leave,
    /// It goes away without acting on what it was given.
    Cancel,
}

/// Who is woken by a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wakes {
    /// Nobody.
    Nobody,
    /// The waiter that moved.
    Waiter,
    /// The first waiter in the list, if there is one.
    Next,
}

impl WaiterState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Vacant, Self::Waiting, Self::NotifiedOne, Self::NotifiedAll, Self::Granted];

    /// Where `event` leads from here and whom it wakes; `None` if it cannot happen here.
    #[must_use]
    pub const fn after(self, event: WaiterEvent) -> Option<(Self, Wakes)> {
        use WaiterState::{Granted, NotifiedAll, NotifiedOne, Vacant, Waiting};
        Some(match (self, event) {
            (Vacant, WaiterEvent::Enter) => (Waiting, Wakes::Nobody),
            (Waiting, WaiterEvent::Notify) => (NotifiedOne, Wakes::Waiter),
            (Waiting, WaiterEvent::NotifyAll) => (NotifiedAll, Wakes::Waiter),
            (Waiting, WaiterEvent::Grant) => (Granted, Wakes::Waiter),
            (Waiting | NotifiedOne | NotifiedAll | Granted, WaiterEvent::Update) => (self, Wakes::Nobody),
            (Waiting | NotifiedOne | NotifiedAll | Granted, WaiterEvent::Leave) => (Vacant, Wakes::Nobody),
            (Waiting | NotifiedAll, WaiterEvent::Cancel) => (Vacant, Wakes::Nobody),
            (NotifiedOne | Granted, WaiterEvent::Cancel) => (Vacant, Wakes::Next),
            _ => return None,
        })
    }
}

impl WaiterEvent {
    /// Every event.
    pub const ALL: [Self; 7] =
        [Self::Enter, Self::Update, Self::Notify, Self::NotifyAll, Self::Grant, Self::Leave, Self::Cancel];
}
