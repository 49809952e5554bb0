//! The stream engine by its behaviour: each scenario in every mode.

#[macro_use]
mod modes;

mod apply;
mod awaiting;
mod bombs;
mod calls;
mod cancel;
mod capacity;
mod channels;
mod contract;
mod deep;
mod executor;
mod failure;
mod lazy;
mod lazy_joints;
mod lent;
mod live;
mod meetings;
mod merge;
mod misuse;
mod nested;
mod occupied;
mod order;
mod overlap;
mod panics;
mod processors;
mod reader_only;
mod rings;
mod scoped;
mod turning;
#[path = "../workers/mod.rs"]
mod workers;
