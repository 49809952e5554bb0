//! Lazy, ordered, bounded, parallel dataflow.
