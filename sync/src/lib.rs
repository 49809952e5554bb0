//! How millpond waits.
