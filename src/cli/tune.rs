//! The driver of a search: from what the user asked for to trials, told as they end.
//!
//! `words` reads the little languages of the command line, [`Asked`] joins them with the study's file, [`Goal`] finds in
//! the project what is to be measured and which params files the trials change, [`search`] executes.
//!
//! Deliberately knows neither how trials are proposed (that is `hpipe_tune`) nor how one is executed (that is the engine).

mod asked;
mod goal;
mod search;
mod words;

pub(crate) use asked::Asked;
pub(crate) use goal::Goal;
pub(crate) use search::{End, Found, Stop, search};
