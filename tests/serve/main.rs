//! `hpipe serve` as a process: it answers with what was registered, exchanges it, and ends when it is told to.
#![cfg(feature = "ml")]

mod gate;
mod lineups;
mod log;
mod rotation;
mod secrets;
mod served;
#[path = "../support/mod.rs"]
mod support;
mod swaps;
