//! Faults in what a user wrote: what, where, and how to mend it.
//!
//! A room that reads user text returns *all* its [`Diagnostic`]s; drawing them with their excerpt is the business of
//! `cli`. Every [`Code`] stands in `docs/errors.md`.

use std::sync::Arc;

/// A fault in a pipeline, params or settings file, or in what the command line asks of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of fault.
    pub code: Code,
    /// Whether it stops the command.
    pub severity: Severity,
    /// One lowercase fragment without full stop.
    pub message: String,
    /// The places it is about, the most telling first. Empty for a fault that has no place in a file.
    pub labels: Vec<Label>,
    /// How to mend it, if we can tell.
    pub help: Option<String>,
}

/// Whether a diagnostic stops the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing is executed.
    Error,
    /// The command goes on.
    Warning,
}

/// A place in a file, and what to say there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What to say beside it; may be empty.
    pub text: String,
}

/// A range of bytes in one of the [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// Which file.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// First byte after.
    pub end: u32,
}

/// Names one of the [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceId(u32);

/// The texts that spans point into.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<(Arc<str>, Arc<str>)>);

/// A place as editors count: both from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl SourceId {
    /// Its place among the [`Sources`], which keep the order they were added in.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Its place, for files.
    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    /// The one at a place that a file names.
    pub(crate) const fn known(number: u32) -> Self {
        Self(number)
    }
}

impl Sources {
    /// Keeps a text under the name messages shall use for it.
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> SourceId {
        self.0.push((name.into(), text.into()));
        SourceId((self.0.len() - 1) as u32)
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name messages use for a source.
    pub fn name(&self, id: SourceId) -> &str {
        &self.0[id.0 as usize].0
    }

    /// Every source's name and text.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (&**name, &**text))
    }

    /// The text of a source.
    pub fn text(&self, id: SourceId) -> &str {
        &self.0[id.0 as usize].1
    }

    /// The text a span covers.
    pub fn excerpt(&self, span: Span) -> &str {
        self.text(span.source)
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    /// Where a span starts.
    pub fn locate(&self, span: Span) -> LineColumn {
        let text = self.text(span.source);
        let mut start = (span.start as usize).min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        LineColumn {
            line: before.matches('\n').count() + 1,
            column: before[line_start..]
                .trim_start_matches('\u{feff}')
                .chars()
                .count()
                + 1,
        }
    }
}

impl Diagnostic {
    /// An error of kind `code`.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: Vec::new(),
            help: None,
        }
    }

    /// A warning of kind `code`.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    /// Adds a place.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Says how to mend it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether it stops the command.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// What an error is about, for programs that read `--json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A stage failed.
    StageFailed,
    /// A dep that no stage makes does not exist.
    MissingDep,
    /// A stage did not make one of its outs.
    MissingOut,
    /// A param is not in its file.
    MissingParam,
    /// A params file cannot be read as its format.
    BadParamFile,
    /// Stages need each other in a circle.
    Cycle,
    /// An out lies inside another.
    OverlappingOuts,
    /// Two stages make one path.
    DuplicateOut,
    /// A stage needs what it makes.
    DepIsOut,
    /// A pipeline file lies inside an out.
    PipelineInOut,
    /// A pipeline, lock or settings file is not what it should be.
    InvalidFile,
    /// A `${…}` cannot be resolved.
    Interpolation,
    /// A target names nothing.
    UnknownTarget,
    /// Another hpipe works on the stage and waiting was not wanted.
    Busy,
    /// An object is not in the cache.
    NotInCache,
    /// The user interrupted.
    Aborted,
    /// A cached out lies outside the project.
    OutsideProject,
    /// A working folder does not exist or is no folder.
    BadWdir,
    /// The machine refused: disk, permission.
    Machine,
    /// The command line is wrong.
    Usage,
    /// A gate says no.
    Refused,
    /// Our own fault.
    Bug,
}

impl ErrorKind {
    /// The word for this kind in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StageFailed => "stage_failed",
            Self::MissingDep => "missing_dep",
            Self::MissingOut => "missing_out",
            Self::MissingParam => "missing_param",
            Self::BadParamFile => "bad_param_file",
            Self::Cycle => "cycle",
            Self::OverlappingOuts => "overlapping_outs",
            Self::DuplicateOut => "duplicate_out",
            Self::DepIsOut => "dep_is_out",
            Self::PipelineInOut => "pipeline_in_out",
            Self::InvalidFile => "invalid_file",
            Self::Interpolation => "interpolation",
            Self::UnknownTarget => "unknown_target",
            Self::Busy => "busy",
            Self::NotInCache => "not_in_cache",
            Self::Aborted => "aborted",
            Self::OutsideProject => "outside_project",
            Self::BadWdir => "bad_wdir",
            Self::Machine => "machine",
            Self::Usage => "usage",
            Self::Refused => "refused",
            Self::Bug => "bug",
        }
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal, $kind:ident;)*) => {
        /// Every kind of error hpipe reports, with its stable code. `docs/errors.md` explains each with an example.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[doc = $doc])* $name,)* }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as printed: `E012`.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What it is about, for programs.
            pub const fn kind(self) -> ErrorKind {
                match self { $(Self::$name => ErrorKind::$kind,)* }
            }
        }
    };
}

codes! {
    /// The text is no YAML.
    Syntax = "E001", InvalidFile;
    /// A key nobody knows.
    UnknownKey = "E002", InvalidFile;
    /// A value of the wrong type.
    WrongType = "E003", InvalidFile;
    /// A key that stands twice in one mapping.
    DuplicateKey = "E004", InvalidFile;
    /// Keys that exclude each other, or one that is needed and absent.
    Incomplete = "E005", InvalidFile;
    /// A stage name with a reserved character, or that two stages have.
    BadName = "E006", InvalidFile;
    /// A `${…}` that cannot be resolved.
    Interpolation = "E007", Interpolation;
    /// A params or vars file that is absent or cannot be read as its format.
    BadParamFile = "E008", BadParamFile;
    /// A param that is not in its file.
    MissingParam = "E009", MissingParam;
    /// A `uses:` that names no built-in stage.
    UnknownBuiltin = "E010", InvalidFile;
    /// A `with:` that the built-in stage does not accept.
    BadOption = "E011", InvalidFile;
    /// A dep that no stage makes and that does not exist.
    MissingDep = "E012", MissingDep;
    /// Stages that need each other in a circle.
    Cycle = "E013", Cycle;
    /// A path that two stages make.
    DuplicateOut = "E014", DuplicateOut;
    /// An out inside another.
    OverlappingOuts = "E015", OverlappingOuts;
    /// A stage that needs what it makes.
    DepIsOut = "E016", DepIsOut;
    /// A cached out outside the project.
    OutsideProject = "E017", OutsideProject;
    /// A working folder that does not exist or is no folder.
    BadWdir = "E018", BadWdir;
    /// A pipeline file inside an out.
    PipelineInOut = "E019", PipelineInOut;
    /// A target that names nothing.
    UnknownTarget = "E020", UnknownTarget;
    /// A role that the built-in stage does not have, or one it needs and was not given.
    BadPort = "E021", InvalidFile;
    /// There is no pipeline file.
    NoPipeline = "E022", InvalidFile;
    /// The lock file has merge conflicts, or is not one of ours.
    BadLockFile = "E023", InvalidFile;
    /// A study that cannot be searched.
    BadStudy = "E024", InvalidFile;
    /// A stage asks for more than the machine has, or names a pool or an executor that nobody declared.
    Unplaceable = "E025", InvalidFile;
    /// A file that cannot be changed as it is written.
    UnfitForEdit = "E030", InvalidFile;
    /// A stage whose outs shall be recorded did not run with its inputs as they are.
    Unseen = "E027", Usage;
    /// A settings file that cannot be read, or edited.
    BadSettings = "E031", InvalidFile;
    /// A stage failed.
    StageFailed = "E100", StageFailed;
    /// A stage did not make one of its outs.
    MissingOut = "E101", MissingOut;
    /// Another hpipe works on the stage, and waiting was not wanted.
    Busy = "E102", Busy;
    /// An object is not in the cache, or damaged.
    NotInCache = "E103", NotInCache;
    /// The user interrupted.
    Aborted = "E104", Aborted;
    /// The machine refused: disk, permission.
    Machine = "E105", Machine;
    /// The command line is wrong.
    Usage = "E106", Usage;
    /// Our own fault.
    Bug = "E107", Bug;
    /// A command in a sandbox read or wrote what its stage does not declare.
    Undeclared = "E108", StageFailed;
    /// The database of runs and models is damaged, of a newer hpipe, or none.
    BadRecords = "E109", Machine;
    /// The bytes of an artifact are gone or not what they were.
    DamagedArtifact = "E110", Machine;
    /// A version of a model does not pass the gates of a stage.
    GatesNotPassed = "E111", Refused;
    /// A table lacks a column that a model takes, or a row of it cannot be predicted.
    BadRows = "E112", Refused;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locates_spans_as_editors_count() {
        let mut sources = Sources::default();
        let id = sources.add("pipeline.yaml", "a: ä\nb: é x\n");
        let start = sources.text(id).find('x').unwrap_or_default() as u32;
        let place = sources.locate(Span {
            source: id,
            start,
            end: start + 1,
        });
        assert_eq!(place, LineColumn { line: 2, column: 6 });
    }

    #[test]
    fn codes_are_distinct() {
        let texts: std::collections::BTreeSet<_> =
            Code::ALL.iter().map(|code| code.text()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
    }
}
