//! The directed acyclic graph under millpond: which task needs which, in an order that is always
//! right.
//!
//! [`Dag`] holds nodes with values and edges without. An edge that would close a cycle is refused
//! the moment it is added, with the whole cycle in the error, and this costs so little that a graph
//! of a million nodes is built in a fraction of a second when its nodes are added inputs first, and
//! in seconds in the worst order. It answers what a node needs ([`Dag::inputs_first`]), what nobody
//! needs any more ([`Dag::orphans`]), what could run at the same time ([`Dag::layers`]), what the
//! whole is waiting for ([`Dag::critical_path`]), and draws itself ([`Dag::draw`]).
//!
//! It is pure data: it starts no thread, holds no items and runs nothing. For graphs with cycles,
//! weights on edges or other algorithms use petgraph, on which this is built.

#![forbid(unsafe_code)]

mod critical_path;
mod dag;
mod drawing;
mod error;
mod id;
mod insertion;
mod layers;
mod order;
mod orphans;
mod seen;
mod walk;

pub use critical_path::CriticalPath;
pub use dag::Dag;
pub use drawing::{Direction, Drawing, Label};
pub use error::{AddEdgeError, Cycle, UnknownNode};
pub use id::NodeId;

/// The README's code, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
