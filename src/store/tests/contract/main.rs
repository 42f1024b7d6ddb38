//! The contract of the store: what every other room relies on, tried through its public interface.

#![expect(
    clippy::unwrap_used,
    reason = "a test says that it failed by panicking"
)]

mod crash;
mod damage;
mod folders;
mod gc;
mod golden;
mod left_out;
mod lock_file;
mod parallel;
mod readers;
mod replica;
mod shared_cache;
mod stale;
mod stored;
mod support;
mod verify;
