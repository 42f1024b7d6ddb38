//! What is declared beside the stages and is not drawn: params files, artifacts, data sets.
//!
//! They change nothing of what executes; whoever shows params or registers models asks for them. Each is checked as DVC
//! checks it. Knows nothing of stages.

use std::borrow::Cow;

use hpipe_core::{Code, Diagnostic, Mapping, ProjectPath, Span};

use crate::faults::Faults;
use crate::keys::check_flags;
use crate::node::{Data, Entry, Node, to_mapping};
use crate::shape::{self, find};

/// An entry of `artifacts:`, a file or folder that is worth a name of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Artifact {
    /// What it is called.
    pub name: String,
    /// The file or folder.
    pub path: ProjectPath,
    /// `type`, `desc`, `labels` and `meta` as written.
    pub notes: Mapping,
    /// Where its name is written.
    pub span: Span,
}

/// An entry of `datasets:`.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// What it is called.
    pub name: String,
    /// What kind it is: `url`, `dvc`, `dc`, ….
    pub kind: String,
    /// Everything else as written.
    pub notes: Mapping,
    /// Where it is written.
    pub span: Span,
}

/// Keys of an artifact.
pub(crate) const ARTIFACT: &[&str] = &["path", "type", "desc", "labels", "meta"];

/// Reads `artifacts:` of a file in `folder`.
pub(crate) fn artifacts(
    section: &Node,
    folder: &ProjectPath,
    faults: &mut Faults,
) -> Vec<Artifact> {
    let artifact = |Entry { key, value }: &Entry| {
        let what = format!("artifact `{}`", key.text);
        let entries = shape::map(value, &what, "a mapping with `path`", faults);
        check_flags(&what, entries, &[ARTIFACT], faults);
        let Some(path) = find(entries, "path") else {
            let fault = Diagnostic::error(Code::Incomplete, format!("{what} has no `path`"));
            faults.push(
                fault
                    .at(key.span, "")
                    .help("say which file it is: `path: PATH`"),
            );
            return None;
        };
        let text = path.value.text()?; // a fault is told by `check_flags`
        Some(Artifact {
            name: key.text.clone(),
            path: folder.join(&text),
            notes: notes(entries, &["path"]),
            span: key.span,
        })
    };
    section.entries().iter().filter_map(artifact).collect()
}

/// Reads `datasets:`.
pub(crate) fn datasets(section: &Node, faults: &mut Faults) -> Vec<Dataset> {
    let Data::List(items) = &section.data else {
        return Vec::new(); // told by `keys`
    };
    let dataset = |item: &Node| {
        let what = "an item of `datasets`";
        let entries = shape::map(item, what, "a mapping with `name` and `type`", faults);
        let mut word = |key: &str| match find(entries, key) {
            Some(entry) => {
                let what = format_args!("`{key}` of a data set");
                shape::text(&entry.value, what, faults).map(Cow::into_owned)
            }
            None => {
                let fault = Diagnostic::error(Code::Incomplete, format!("{what} has no `{key}`"));
                faults.push(
                    fault
                        .at(item.span, "")
                        .help("write `{name: NAME, type: TYPE, …}`"),
                );
                None
            }
        };
        let (name, kind) = (word("name"), word("type"));
        Some(Dataset {
            name: name?,
            kind: kind?,
            notes: notes(entries, &["name", "type"]),
            span: item.span,
        })
    };
    items.iter().filter_map(dataset).collect()
}

/// All but some of the keys.
fn notes(entries: &[Entry], without: &[&str]) -> Mapping {
    let all = entries.iter();
    let kept: Vec<Entry> = all
        .filter(|entry| !without.contains(&entry.key.text.as_str()))
        .cloned()
        .collect();
    to_mapping(&kept)
}
