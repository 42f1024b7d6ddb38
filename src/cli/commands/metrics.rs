//! `hpipe metrics`: the figures that stages wrote, and how they changed.

mod diff;
mod reading;
mod show;

pub(super) use diff::diff;
pub(super) use show::show;
