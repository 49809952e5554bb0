//! The stream engine by its behaviour: each scenario in every mode.

#[macro_use]
mod modes;

mod calls;
mod failure;
mod lazy;
mod lazy_joints;
mod order;
mod panics;
