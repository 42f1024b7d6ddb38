//! Why a stage must execute.

use std::fmt;

use crate::Value;

/// One reason why a stage is not up to date.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// What kind of input or out differs.
    pub kind: ReasonKind,
    /// Which one: a path, a param's name, an option's dotted name; none for kinds that need none.
    pub name: Option<String>,
    /// What the last known execution had.
    pub old: Option<Value>,
    /// What it would have now.
    pub new: Option<Value>,
}

/// The kinds of [`Reason`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReasonKind {
    /// The stage never executed, as far as the lock file knows.
    New,
    /// The command differs.
    Cmd,
    /// The built-in, its version or one of its options differs.
    Builtin,
    /// The working folder differs.
    Wdir,
    /// A declared environment variable differs.
    Env,
    /// A dep's content differs.
    DepChanged,
    /// A dep was added to the definition.
    DepAdded,
    /// A dep was removed from the definition.
    DepRemoved,
    /// A dep does not exist.
    DepMissing,
    /// A param's value differs.
    ParamChanged,
    /// A param was added to the definition.
    ParamAdded,
    /// A param was removed from the definition.
    ParamRemoved,
    /// An out's content is not what the stage made.
    OutChanged,
    /// An out does not exist.
    OutMissing,
    /// An out was added to the definition, or its kind or flags differ.
    OutAdded,
    /// An out was removed from the definition.
    OutRemoved,
    /// The stage is declared `always_changed`.
    Always,
    /// The user asked for it.
    Forced,
    /// A stage it needs is stale, so its inputs are not known yet.
    Upstream,
}

impl ReasonKind {
    /// Every kind, in the order of `docs/formats/events.md`.
    pub const ALL: [Self; 19] = [
        Self::New,
        Self::Cmd,
        Self::Builtin,
        Self::Wdir,
        Self::Env,
        Self::DepChanged,
        Self::DepAdded,
        Self::DepRemoved,
        Self::DepMissing,
        Self::ParamChanged,
        Self::ParamAdded,
        Self::ParamRemoved,
        Self::OutChanged,
        Self::OutMissing,
        Self::OutAdded,
        Self::OutRemoved,
        Self::Always,
        Self::Forced,
        Self::Upstream,
    ];

    /// The word for this kind in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Cmd => "cmd",
            Self::Builtin => "builtin",
            Self::Wdir => "wdir",
            Self::Env => "env",
            Self::DepChanged => "dep_changed",
            Self::DepAdded => "dep_added",
            Self::DepRemoved => "dep_removed",
            Self::DepMissing => "dep_missing",
            Self::ParamChanged => "param_changed",
            Self::ParamAdded => "param_added",
            Self::ParamRemoved => "param_removed",
            Self::OutChanged => "out_changed",
            Self::OutMissing => "out_missing",
            Self::OutAdded => "out_added",
            Self::OutRemoved => "out_removed",
            Self::Always => "always",
            Self::Forced => "forced",
            Self::Upstream => "upstream",
        }
    }

    /// How a person is told, before the name of the thing.
    const fn words(self) -> &'static str {
        match self {
            Self::New => "never ran",
            Self::Cmd => "cmd changed",
            Self::Builtin => "with",
            Self::Wdir => "wdir",
            Self::Env => "env",
            Self::DepChanged => "changed",
            Self::DepAdded => "new dep",
            Self::DepRemoved => "dep removed",
            Self::DepMissing => "dep missing",
            Self::ParamChanged => "param",
            Self::ParamAdded => "new param",
            Self::ParamRemoved => "param removed",
            Self::OutChanged => "out changed",
            Self::OutMissing => "out missing",
            Self::OutAdded => "new out",
            Self::OutRemoved => "out removed",
            Self::Always => "always changed",
            Self::Forced => "forced",
            Self::Upstream => "waits for",
        }
    }

    /// Whether old and new value tell a person something; digests do not, commands are too long.
    const fn shows_values(self) -> bool {
        matches!(
            self,
            Self::Builtin | Self::Wdir | Self::Env | Self::ParamChanged | Self::OutAdded
        )
    }
}

impl Reason {
    /// A reason that needs no name.
    pub const fn plain(kind: ReasonKind) -> Self {
        Self {
            kind,
            name: None,
            old: None,
            new: None,
        }
    }

    /// A reason about the thing called `name`.
    pub fn about(kind: ReasonKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: Some(name.into()),
            old: None,
            new: None,
        }
    }

    /// A params file of which nothing can be known, and why: `cannot be read`.
    pub fn unread_params(kind: ReasonKind, file: impl Into<String>, how: &str) -> Self {
        Self {
            new: Some(how.into()),
            ..Self::about(kind, file)
        }
    }

    /// Why a params file says nothing, if that is the reason.
    pub fn unread(&self) -> Option<&str> {
        match (self.kind, &self.old, &self.new) {
            (ReasonKind::ParamRemoved | ReasonKind::DepMissing, None, Some(Value::Text(how))) => {
                Some(how)
            }
            _ => None,
        }
    }

    /// A reason about a thing that was `old` and is `new`.
    pub fn changed(kind: ReasonKind, name: impl Into<String>, old: Value, new: Value) -> Self {
        Self {
            kind,
            name: Some(name.into()),
            old: Some(old),
            new: Some(new),
        }
    }
}

/// Writes the reason for a person: `param lr: 0.1 → 0.05`, `changed data/raw.csv`.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(name), Some(how)) = (&self.name, self.unread()) {
            return write!(f, "params file {name} {how}");
        }
        match (self.kind, &self.old) {
            (ReasonKind::OutAdded, Some(_)) => f.write_str("out")?,
            (kind, _) => f.write_str(kind.words())?,
        }
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        if self.kind.shows_values()
            && let (Some(old), Some(new)) = (&self.old, &self.new)
        {
            write!(f, ": {old} → {new}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_well() {
        let lr = Reason::changed(
            ReasonKind::ParamChanged,
            "lr",
            Value::Float(0.1),
            Value::Float(0.05),
        );
        assert_eq!(lr.to_string(), "param lr: 0.1 → 0.05");
        assert_eq!(
            Reason::about(ReasonKind::DepChanged, "data/raw.csv").to_string(),
            "changed data/raw.csv"
        );
        assert_eq!(Reason::plain(ReasonKind::New).to_string(), "never ran");
        let broken = Reason::unread_params(ReasonKind::ParamRemoved, "p.yaml", "cannot be read");
        assert_eq!(broken.to_string(), "params file p.yaml cannot be read");
        let flags = ("outs".into(), "outs, persist".into());
        assert_eq!(
            Reason::changed(ReasonKind::OutAdded, "l.txt", flags.0, flags.1).to_string(),
            "out l.txt: outs → outs, persist"
        );
    }

    #[test]
    fn words_in_json_are_distinct() {
        let names: std::collections::BTreeSet<_> =
            ReasonKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), ReasonKind::ALL.len());
    }
}
