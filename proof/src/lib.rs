//! Programs that try to break millpond.
//!
//! * [`program`]: random programs over the public interface with a model of what must come of them, for a fuzzer, for proptest, and as a part
//!   of what `soak` runs.

pub mod program;
