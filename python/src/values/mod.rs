//! Graphs of values: functions that are each called once, with the values of others.
//!
//! The graph is the Python objects themselves: a [`Value`] holds the function and the arguments that it will be made of, and so
//! lives as long as somebody wants it. A get compiles what it needs ([`plan`]) and runs it ([`run`]).
//!
//! Why not the engine's own graphs of values, whose plan and loop these resemble: there a value lives as long as its graph, and a run ends
//! when all that it started has ended. Here a value goes when nobody can ask for it, several threads may get at the same time, an
//! interrupt ends a get at once, and the caller keeps the interpreter's lock from function to function.

mod arguments;
mod calls;
mod plan;
mod run;
mod task;
mod value;

pub(crate) use calls::{_copy_context, Read, hand_on, helping};
pub(crate) use run::_get_values;
pub(crate) use task::ValueTask;
pub(crate) use value::Value;
