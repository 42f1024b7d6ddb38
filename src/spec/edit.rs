//! Changes in the text of a file that leave its comments, order and layout as they are.
//!
//! `params` gives params other values, `freeze` freezes a stage, `add` writes a new one. Each makes the text it thinks is
//! meant, has it read again, and gives it back only if it says exactly what it should; so an anchor that is used
//! elsewhere, or a layout nobody thought of, is an error and never a file with another meaning. `written` is a pipeline
//! file as it is written, `block` how a new part is written.

mod add;
mod block;
mod freeze;
pub(crate) mod params;
mod written;

pub use add::{NewOut, NewParams, NewStage, add_stage};
pub use freeze::set_frozen;
pub use params::edit_params;
