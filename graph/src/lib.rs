//! The directed acyclic graph under millpond.
