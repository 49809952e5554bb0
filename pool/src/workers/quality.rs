//! How urgent a pool's work is to the system.

/// How urgent the work of a pool's threads is, from a person who waits for it down to housekeeping.
///
/// The classes and their names are those of Apple's dispatch library. What a class does depends on whose threads the
/// pool has:
///
/// | workers | meaning |
/// |---|---|
/// | GCD on Apple systems | the kernel schedules each class ahead of those below it, and chooses clock speed, kind of core and I/O priority by it |
/// | GCD elsewhere | each class has threads of its own; the kernel is not told, so all run at the process's priority |
/// | rayon, and any other threads | none: all run at the process's priority, as if [`Default`](QualityOfService::Default) |
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
