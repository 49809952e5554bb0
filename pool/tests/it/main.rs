//! The stream engine by its behaviour: each scenario in every mode.

#[macro_use]
mod modes;

mod calls;
mod lazy;
mod lazy_joints;
