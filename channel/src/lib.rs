//! Channels with reader and writer ends.
