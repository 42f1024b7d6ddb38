//! The words and ports every other room of hpipe speaks.
//!
//! Holds the nouns ([`StageName`], [`ProjectPath`], [`Digest`], [`Value`], [`Content`], [`Reason`], [`Event`],
//! [`Diagnostic`], [`Table`], [`Profile`]) and the ports ([`Stage`], [`Progress`], [`Memo`], [`EventSink`], [`Predictor`],
//! [`TableFiles`]) through which rooms meet that must not know each other: the engine drives a [`Stage`] without knowing polars,
//! a stage reports [`Progress`] without knowing the terminal, serving asks a [`Predictor`] without knowing a learner.
//!
//! Deliberately knows neither YAML nor disk, threads, clock or terminal, so that it changes seldom and everything may
//! depend on it.

mod binary;
mod cast;
mod causes;
mod content;
mod diagnostic;
mod digest;
mod discriminator;
mod event;
mod memo;
mod name;
mod path;
mod predictor;
mod profile;
mod reason;
mod registry;
mod score_file;
mod scoring;
mod stage;
mod suggest;
mod table;
mod table_files;
mod value;

pub use binary::{Binary, Bytes};
pub use cast::MISSING_WORDS;
pub use causes::with_causes;
pub use content::{Content, ContentKind};
pub use diagnostic::{
    Code, Diagnostic, ErrorKind, Label, LineColumn, Severity, SourceId, Sources, Span,
};
pub use digest::{Digest, HashFunction, ParseDigestError};
pub use discriminator::{Discriminated, Discriminator};
pub use event::{Event, EventSink, Outcome, StageFailure, Summary};
pub use memo::{Memo, NoMemo};
pub use name::{NameError, StageName};
pub use path::ProjectPath;
pub use predictor::{Input, ModelCard, ModelFiles, ModelLoader, PredictionFault, Predictor};
pub use profile::{Profile, ProfiledInput, ReferenceRows};
pub use reason::{Reason, ReasonKind};
pub use registry::Registry;
pub use score_file::{Keep, ROWS_AT_ONCE, ScoredFile, ScoringError, ScoringOptions, score_file};
pub use scoring::{Scored, predict_valid};
pub use stage::{
    Arity, Direction, Execution, OptionFault, Port, PortPath, Progress, Stage, StageError,
};
pub use suggest::nearest;
pub use table::{Column, DuplicateColumn, Table, Type, Values};
pub use table_files::{TableFiles, TableFormat, TableReader, TableWriter};
pub use value::{Mapping, Value};
