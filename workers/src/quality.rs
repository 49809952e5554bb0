//! How urgent a pool's work is to the system.

/// How urgent the work of a pool's threads is, from a person who waits for it down to housekeeping.
///
/// The classes and their names are those of Apple's dispatch library. What a class does depends on
/// whose threads the pool has:
///
/// | workers | meaning |
/// |---|---|
/// | GCD on Apple systems | the kernel runs a class ahead of those below it, and chooses the kind of core by it |
/// | GCD elsewhere | each class has threads of its own, all of the process's priority: the kernel is not told |
/// | rayon's threads, and any others | none, as if [`Default`](QualityOfService::Default): the process's priority |
///
/// The caller of a read or of [`apply`](super::Workers::apply) works at the priority that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum QualityOfService {
    /// Work that nobody waits for: indexing, backups.
    Background,
    /// Work that a person may watch the progress of, in no hurry: imports, downloads.
    Utility,
    /// Work of no stated urgency.
    #[default]
    Default,
    /// Work that a person asked for and waits for.
    UserInitiated,
    /// Work that a display or a control waits for.
    UserInteractive,
}
