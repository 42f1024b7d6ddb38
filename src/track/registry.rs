//! What a version of a registered model holds, and what it must pass to be promoted.
//!
//! [`Record`] is the registration: which files, by digest, with which metrics, inputs and gates. The built-in stage
//! [`Register`] writes it, as an out like any other; whoever runs the pipeline then sees that the ledger has a version of
//! it. [`Gates`] are judged by [`Gates::judge`], which is given numbers and measures nothing. [`Lineage`] is the closed set
//! that made the model, and [`ModelReference`] how people name a version.
//!
//! Pure but for the stage, which reads its deps and writes its out.

mod gates;
mod latency;
mod lineage;
mod record;
mod reference;
mod replay;
mod stage;

pub(crate) use gates::unjudged;
pub use gates::{Bounds, Check, Gates, NotWorse, Opponent};
pub use latency::{Latency, LatencyBudget, Measured};
pub use lineage::{
    Action, Code, Difference, LINEAGE_VERSION, Lineage, Made, Source, StageLineage, differences,
};
pub use record::{
    DataUsed, Promote, REGISTRATION_VERSION, Record, RecordError, RecordedFile, Segment,
};
pub use reference::{ModelReference, Which};
pub use replay::{Replay, Replayed};
pub use stage::{REGISTER, Register, record_of};
