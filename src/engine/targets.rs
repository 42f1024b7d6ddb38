//! What the words after a command mean: which stages a target names.
//!
//! Seen from the user's folder, the first of these that fits counts:
//!
//! | target | names |
//! |---|---|
//! | `train`, `train@ridge`, `sub/pipeline.yaml:train` | the stage: of the nearest pipeline file, else the project's name for it |
//! | `train` where `train@…` exist | the group, all its stages |
//! | `pipeline.yaml:train`, `../dvc.yaml:train`, `:train` | a stage or group of that file; of the nearest file |
//! | `../pipeline.yaml` | all stages of that file |
//! | `models/ridge.json`, `models` | the stages that make the path, lie around it or inside it |
//!
//! With `--glob`, `*`, `?` and `[…]` in a name stand for other text; with `--recursive`, a folder means all stages of the
//! pipeline files in it and below. Knows neither what the stages need (that is `plan`) nor the disk.

use hpipe_core::{Code, Diagnostic, ProjectPath, StageName};
use hpipe_spec::{Pipeline, nearest};

use crate::graph::{Graph, StageIndex, indexed};
use crate::joined::PipelineFile;
use crate::plan::{Selection, Untargeted};

/// A project's stages, and how they are told apart.
#[derive(Clone, Copy)]
pub(crate) struct Stages<'a> {
    pub(crate) pipeline: &'a Pipeline,
    pub(crate) graph: &'a Graph,
    pub(crate) files: &'a [PipelineFile],
}

/// Why a target cannot be resolved.
enum Unresolved {
    /// It names nothing.
    Unknown,
    /// It is about a pipeline file with these faults.
    Broken(Vec<Diagnostic>),
}

type Resolved = Result<Vec<StageIndex>, Unresolved>;

impl Stages<'_> {
    /// The stages that `selection` names, in the pipeline's order, each once.
    ///
    /// # Errors
    /// A diagnostic for every target that names nothing, and the faults of a pipeline file that one is about.
    pub(crate) fn targeted(
        &self,
        selection: &Selection,
    ) -> Result<Vec<StageIndex>, Vec<Diagnostic>> {
        if selection.targets.is_empty() {
            return self.untargeted(selection);
        }
        let mut found = Vec::new();
        let mut faults = Vec::new();
        for target in &selection.targets {
            match self.resolve(selection, target) {
                Ok(stages) => found.extend(stages),
                Err(Unresolved::Unknown) if selection.glob && is_pattern(target) => {
                    faults.push(fits_nothing(target));
                }
                Err(Unresolved::Unknown) => faults.push(self.unknown(target)),
                Err(Unresolved::Broken(broken)) => faults.extend(broken),
            }
        }
        found.sort();
        found.dedup();
        match faults.is_empty() {
            true => Ok(found),
            false => Err(faults),
        }
    }

    /// What no target means.
    fn untargeted(&self, selection: &Selection) -> Result<Vec<StageIndex>, Vec<Diagnostic>> {
        match (selection.untargeted, self.nearest_file(selection)) {
            (Untargeted::All, _) => {
                let faults = self.files.iter().flat_map(|file| &file.faults);
                let faults: Vec<_> = faults.cloned().collect();
                faults.is_empty().then(|| self.all()).ok_or(faults)
            }
            (Untargeted::Nearest, Some(file)) if file.is_broken() => Err(file.faults.clone()),
            (Untargeted::Nearest, Some(file)) if !(file.is_root && file.stages.is_empty()) => {
                Ok(file.indices().collect())
            }
            (Untargeted::Nearest | Untargeted::Known, _) => Ok(self.all()),
        }
    }

    fn all(&self) -> Vec<StageIndex> {
        let stages = indexed(&self.pipeline.stages);
        stages.map(|(index, _)| index).collect()
    }

    /// The pipeline file in the user's folder, or the next above it.
    fn nearest_file(&self, selection: &Selection) -> Option<&PipelineFile> {
        if selection.of_root {
            return self.files.first();
        }
        let folder = selection.folder.clone().unwrap_or_default();
        let above = self
            .files
            .iter()
            .filter(|file| folder.is_within(&file.folder()));
        let deepest = above.max_by_key(|file| (!file.is_root, file.folder().as_str().len()));
        deepest.or(self.files.first())
    }

    fn resolve(&self, selection: &Selection, target: &str) -> Resolved {
        if target.is_empty() {
            return Err(Unresolved::Unknown);
        }
        let folder = selection.folder.clone().unwrap_or_default();
        let path = folder.join(target);
        if selection.recursive
            && let Some(found) = self.below(&path)
        {
            return found;
        }
        let nearest = self.nearest_file(selection);
        let known = self.named(nearest, target, selection.glob);
        if !known.is_empty() {
            return Ok(known);
        }
        if let Some(found) = self.of_file(&folder, nearest, target, selection.glob) {
            return found;
        }
        let made: Vec<_> = self.graph.makers(&path).collect();
        match (made.is_empty(), nearest) {
            (false, _) => Ok(made),
            // It may be a name in the file one cannot know.
            (true, Some(file)) if file.is_broken() => Err(Unresolved::Broken(file.faults.clone())),
            (true, _) => Err(Unresolved::Unknown),
        }
    }

    /// Stages that are called so: in `file`, else in the project.
    fn named(&self, file: Option<&PipelineFile>, name: &str, glob: bool) -> Vec<StageIndex> {
        let own = file.filter(|file| !file.is_root);
        let own = own.map(|file| self.in_file(file, name, glob));
        match own {
            Some(found) if !found.is_empty() => found,
            _ => self.called(&StageName::known(name), glob),
        }
    }

    /// Stages of `file` that it calls so.
    fn in_file(&self, file: &PipelineFile, name: &str, glob: bool) -> Vec<StageIndex> {
        let name = file.qualified(&StageName::known(name));
        let mut found = self.called(&name, glob);
        found.retain(|stage| file.stages.contains(&stage.index()));
        found
    }

    /// A stage by its name, a group by its name, or those that a pattern fits.
    fn called(&self, name: &StageName, glob: bool) -> Vec<StageIndex> {
        if let Some(stage) = self.graph.find(name.as_str()) {
            return vec![stage];
        }
        let fits = |stage: &StageName| match glob {
            true => fits(name.as_str(), stage.as_str()) || stage.group() == Some(name.as_str()),
            false => stage.group() == Some(name.as_str()),
        };
        let stages = indexed(&self.pipeline.stages);
        stages
            .filter(|(_, stage)| fits(&stage.name))
            .map(|(index, _)| index)
            .collect()
    }

    /// `FILE`, `FILE:NAME` or `:NAME`; none when that names no pipeline file.
    fn of_file(
        &self,
        folder: &ProjectPath,
        nearest: Option<&PipelineFile>,
        target: &str,
        glob: bool,
    ) -> Option<Resolved> {
        let at = |path: &str| {
            let path = folder.join(path);
            self.files.iter().find(|file| file.path == path)
        };
        // A folder may have a colon in its name, and so may an item of a group.
        let colons = target.match_indices(':').map(|(at, _)| at);
        let mut split = colons.map(|at| (&target[..at], Some(&target[at + 1..])));
        let (file, name) = split
            .find_map(|(path, name)| match path {
                "" => Some((nearest?, name)),
                _ => Some((at(path)?, name)),
            })
            .or_else(|| Some((at(target)?, None)))?;
        if file.is_broken() {
            return Some(Err(Unresolved::Broken(file.faults.clone())));
        }
        let found = match name {
            Some(name) => self.in_file(file, name, glob),
            None => return Some(Ok(file.indices().collect())),
        };
        Some(match found.is_empty() {
            true => Err(Unresolved::Unknown),
            false => Ok(found),
        })
    }

    /// The stages of pipeline files in `folder` and below; none when there is no such file.
    fn below(&self, folder: &ProjectPath) -> Option<Resolved> {
        let below = self
            .files
            .iter()
            .filter(|file| file.path.is_within(folder) && file.path != *folder);
        let mut files = below.peekable();
        files.peek()?;
        let (broken, known): (Vec<_>, Vec<_>) = files.partition(|file| file.is_broken());
        if !broken.is_empty() {
            let faults = broken.into_iter().flat_map(|file| file.faults.clone());
            return Some(Err(Unresolved::Broken(faults.collect())));
        }
        let stages = known.into_iter().flat_map(PipelineFile::indices);
        Some(Ok(stages.collect()))
    }

    fn unknown(&self, target: &str) -> Diagnostic {
        let stages = || self.pipeline.stages.iter();
        let names = stages().map(|stage| stage.name.as_str());
        let groups = stages().filter_map(|stage| stage.name.group());
        let outs = self.graph.outs().map(|(path, _)| path.as_str());
        let files = self.files.iter().map(|file| file.path.as_str());
        let fault = Diagnostic::error(
            Code::UnknownTarget,
            format!("no stage, group or out is called `{target}`"),
        );
        let mut absent = self.pipeline.absent.iter();
        let is_absent = |name: &StageName| name.as_str() == target || name.group() == Some(target);
        if let Some((name, span)) = absent.find(|(name, _)| is_absent(name)) {
            let help = format!("stage `{name}` does not exist now: its `when` does not hold");
            return fault.at(*span, "").help(help);
        }
        match nearest(target, names.chain(groups).chain(outs).chain(files)) {
            Some(near) if near == target => fault
                .help("a path is meant from the folder you are in; `hpipe dag` shows every stage"),
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help("`hpipe dag` shows every stage"),
        }
    }
}

fn is_pattern(target: &str) -> bool {
    target.contains(['*', '?', '['])
}

fn fits_nothing(pattern: &str) -> Diagnostic {
    let message = format!("no stage has a name that `{pattern}` fits");
    Diagnostic::error(Code::UnknownTarget, message).help(
        "`hpipe stage list` shows every name; a pattern fits whole names, and one in quotes is left alone by the shell",
    )
}

/// Whether `text` is what `pattern` stands for: `*` any text, `?` any character, `[a-c]` one of these, `[!a-c]` another.
fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    // Where the last star stands, and how much of the text it had taken when it was last tried.
    let mut star: Option<(usize, usize)> = None;
    let (mut at, mut read) = (0, 0);
    while read < text.len() {
        if pattern.get(at) == Some(&'*') {
            star = Some((at, read));
            at += 1;
        } else if let Some(length) = pattern.get(at..).and_then(|rest| one(rest, text[read])) {
            at += length;
            read += 1;
        } else if let Some((place, taken)) = star {
            star = Some((place, taken + 1));
            (at, read) = (place + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|left| *left == '*')
}

/// How much of the pattern stands for this one character; none if that is another.
fn one(pattern: &[char], character: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['[', set @ ..] => {
            let end = set.iter().skip(1).position(|c| *c == ']')? + 1;
            let (other, set) = match &set[..end] {
                ['!', rest @ ..] => (true, rest),
                whole => (false, whole),
            };
            (is_among(set, character) != other).then_some(end + 2)
        }
        [same, ..] if *same == character => Some(1),
        _ => None,
    }
}

fn is_among(set: &[char], character: char) -> bool {
    let ranges = set.windows(3).filter(|range| range[1] == '-');
    let mut ranges = ranges.map(|range| range[0]..=range[2]);
    set.contains(&character) || ranges.any(|range| range.contains(&character))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_stand_for_names() {
        for (pattern, text, does) in [
            ("train@*", "train@ridge", true),
            ("*", "", true),
            ("*a*b", "xaab", true),
            ("*a*b", "xaba", false),
            ("tr??n", "train", true),
            ("x[0-9]", "x7", true),
            ("x[!0-9]", "x7", false),
            ("x[!0-9]y", "xay", true),
            ("x[ab", "x[ab", false),
            ("a", "ab", false),
            ("ä?", "äö", true),
        ] {
            assert_eq!(fits(pattern, text), does, "{pattern} {text}");
        }
    }
}
