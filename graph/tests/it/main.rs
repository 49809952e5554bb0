//! What the graph promises, by behaviour.

mod critical_path;
mod cycles;
mod drawings;
mod ids;
mod layers;
mod model;
mod order;
mod orphans;
mod scale;
mod walks;
