//! Every code that parsing can raise, with its message, places and help; and that all faults come at once.

mod definition;
mod lookup;
mod yaml;
