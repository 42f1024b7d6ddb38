//! `hpipe stage`: stages written into a pipeline file, and listed.

mod add;
mod list;
mod words;

pub(super) use add::add;
pub(super) use list::list;
