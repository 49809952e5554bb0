//! What a run did, as its caller sees it.

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunReport {
    /// How many tasks were run.
    pub tasks: u64,
    /// How many helpers were asked for. Small runs ask for none.
    pub helpers_asked: usize,
    /// Whether the caller let helpers take part.
    pub is_shared: bool,
}
