//! Millpond beside its rivals, in the same run.
