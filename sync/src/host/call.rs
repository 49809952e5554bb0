//! What a host is told of a function that is about to be called, and what it says.

/// A function is about to be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// Its name, for faults that are meant for it; `None` where it only takes time.
    pub name: Option<&'a str>,
    /// Its number among the functions like it. How long it takes for an item depends on this.
    pub number: u64,
    /// How many items it is given.
    pub items: usize,
    /// For how many of them time passes.
    pub timed: usize,
}

/// What goes wrong in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The function fails with an error at this item of those that it is given.
    Fail(usize),
    /// It panics at this item.
    Panic(usize),
    /// It took this many nanoseconds, which have passed already.
    Slow(u64),
}
