//! Contract of edits of pipeline files: they say what they should, and every other line stays as it is.

mod add;
mod freeze;
mod random;
