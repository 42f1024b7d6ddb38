//! Stage names: `prepare`, `train@ridge`, `eval/bias`.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// The name of a stage, unique in its project.
///
/// Cheap to clone: clones share the text. An instance of a `foreach` or `matrix` stage is called `group@item`; a stage
/// of a pipeline file in a sub-folder is called `folder/pipeline.yaml:stage`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StageName(Arc<str>);

/// Why a text is no stage name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("a stage name must not be empty")]
    Empty,
    /// The text holds a reserved character.
    #[error("a stage name must not contain `{0}`")]
    Forbidden(char),
}

/// Reserved in names that users write: `@` and `:` address stages, the others break lines. All else is allowed, as in DVC.
const FORBIDDEN: &[char] = &['@', ':', '\n', '\r', '\t', '\0'];

/// What the pipeline file in front of a stage's name ends in. No name that a user writes holds a colon.
const FILE_ENDS: [&str; 2] = ["/pipeline.yaml:", "/dvc.yaml:"];

impl StageName {
    /// Checks a name as a user wrote it in the `stages` section.
    ///
    /// # Errors
    /// [`NameError`] when the text is empty or holds a reserved character.
    pub fn written(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        match text.chars().find(|c| FORBIDDEN.contains(c)) {
            Some(c) => Err(NameError::Forbidden(c)),
            None => Ok(Self(text.into())),
        }
    }

    /// Takes a name already known to be one: composed by us, or read back from our own files.
    pub fn known(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The instance `self@item` of the group `self`.
    pub fn instance(&self, item: &str) -> Self {
        Self(format!("{self}@{item}").into())
    }

    /// The stage called `self` in the pipeline file of a sub-folder: `sub/pipeline.yaml:train`.
    pub fn in_file(&self, file: &str) -> Self {
        Self(format!("{file}:{self}").into())
    }

    /// The name without this pipeline file in front; none if it is not of that file.
    pub fn within_file(&self, file: &str) -> Option<Self> {
        let rest = self.0.strip_prefix(file)?;
        rest.strip_prefix(':').map(Self::known)
    }

    /// The pipeline file in front, for a stage of a sub-folder, and the name in that file.
    pub fn parts(&self) -> (Option<&str>, &str) {
        let ends = FILE_ENDS
            .iter()
            .filter_map(|end| self.0.find(end).map(|at| at + end.len()));
        match ends.min() {
            Some(end) => (Some(&self.0[..end - 1]), &self.0[end..]),
            None => (None, &self.0),
        }
    }

    /// The group this stage is an instance of: `train` for `train@ridge`, `sub/dvc.yaml:train` for
    /// `sub/dvc.yaml:train@ridge`, none for `prepare`.
    pub fn group(&self) -> Option<&str> {
        let (_, name) = self.parts();
        let at = name.find('@')?;
        Some(&self.0[..self.0.len() - name.len() + at])
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for StageName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_names_are_checked() {
        assert!(StageName::written("prepare").is_ok());
        assert!(StageName::written("eval/bias 2").is_ok());
        assert!(StageName::written("a,b#c$d\\e").is_ok());
        assert_eq!(StageName::written(""), Err(NameError::Empty));
        assert_eq!(StageName::written("a@b"), Err(NameError::Forbidden('@')));
        assert_eq!(StageName::written("a:b"), Err(NameError::Forbidden(':')));
    }

    #[test]
    fn an_instance_knows_its_group() {
        let train = StageName::known("train");
        assert_eq!(train.group(), None);
        assert_eq!(train.instance("ridge").group(), Some("train"));
        assert_eq!(train.instance("ridge").to_string(), "train@ridge");
    }

    #[test]
    fn a_stage_of_a_sub_folder_knows_its_file() {
        let train = StageName::known("train@a:b").in_file("a@b/dvc.yaml");
        assert_eq!(train.as_str(), "a@b/dvc.yaml:train@a:b");
        assert_eq!(train.parts(), (Some("a@b/dvc.yaml"), "train@a:b"));
        assert_eq!(train.group(), Some("a@b/dvc.yaml:train"));
        let within = train.within_file("a@b/dvc.yaml");
        assert_eq!(within, Some(StageName::known("train@a:b")));
        assert_eq!(train.within_file("b/dvc.yaml"), None);
        assert_eq!(StageName::known("a/b").parts(), (None, "a/b"));
    }
}
