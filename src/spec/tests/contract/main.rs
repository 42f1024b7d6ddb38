//! The contract of `spec`: the grammar, every diagnostic it can raise, and that no text makes it panic.

mod builtin;
mod diagnostics;
mod docs;
mod dvc;
mod execution;
mod grammar;
mod param_files;
mod robust;
mod support;
mod when;
