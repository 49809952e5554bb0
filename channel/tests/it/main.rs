//! Channels of every flavour, waited for in every way.
#![cfg(not(loom))]

mod bounded;
mod callbacks;
mod cancelling;
mod contents;
mod errors;
mod iterator_reader;
mod listening;
mod misuse;
mod model;
mod queues;
mod scenarios;
mod serial;
mod setup;
mod sizes;
mod stream;
mod stress;
mod threads;
