//! The contract of serving, over real connections: every way to ask, every limit, every fault, and the exchange of versions.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests, with helpers of their own, that damage files on purpose"
)]

mod access;
mod arrow;
mod bodies;
mod clients;
mod limits;
mod lineups;
mod log;
#[path = "../../../../tests/support/peers.rs"]
mod peers;
mod protocols;
mod replay;
mod service;
mod support;
mod swaps;
mod validation;
