//! Reads `pipeline.yaml` and params files into a checked [`Pipeline`] with source spans.
//!
//! Pure: text in, values and [`Diagnostic`](hpipe_core::Diagnostic)s out. Files that a pipeline refers to are asked from
//! the caller through [`Files`]; the built-in stages it may use come in a [`Registry`](hpipe_core::Registry). *All* faults
//! of a file are found at once.
//!
//! A text goes through `yaml` (nodes with places), `keys` (which keys stand there), `vars` and `scope` (what names mean),
//! `expand` (`foreach`, `matrix`), `interpolate` (`${…}`), and `stage` with `outs` (values to types); `parse` is the way
//! through. Deliberately knows neither disk, environment, clock nor terminal; `docs/formats/pipeline.md` is the grammar.

mod beside;
mod budget;
mod builtin;
mod condition;
mod document;
mod edit;
mod execution;
mod expand;
mod faults;
mod interpolate;
mod keys;
mod mirror;
mod node;
mod outs;
mod params;
mod parse;
mod pieces;
mod pipeline;
mod plots;
mod python;
mod quantity;
mod scalar;
mod schema;
mod scope;
mod settings;
mod shape;
mod stage;
mod track;
mod unpack;
mod vars;
mod yaml;

pub use beside::{Artifact, Dataset};
pub use builtin::{check_builtin, check_builtins};
pub use document::Document;
pub use edit::{NewOut, NewParams, NewStage, add_stage, edit_params, set_frozen};
pub use execution::{Execution, Named, Pool, Resources, Retry, Shell};
pub use hpipe_core::nearest;
pub use mirror::{Mirrored, parse_mirrored};
pub use params::{ParamFile, ParamFileError, read_document};
pub use parse::{Files, Parsed, parse, parse_beside};
pub use pipeline::{
    Action, Dep, EnvVar, Out, OutKind, Param, Pipeline, PlotColumns, PlotSpec, PlotX, Role, Script,
    StageSpec,
};
pub use schema::pipeline_schema;
pub use settings::{Setting, Settings, SettingsLayer, set_setting, unset_setting};
pub use track::Track;
