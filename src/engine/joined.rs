//! Reads all pipeline files of a project and joins them to one pipeline and one graph.
//!
//! Each file is read relative to its folder; a stage of a sub-folder's file is called `sub/pipeline.yaml:train`. A file
//! with faults of its own is left out, whatever its place in the tree, and its faults are kept for those who need it
//! (design section 4, no. 11). A fault between several files (an out they both make, a circle through both) stops
//! everything: nobody can say which of them to leave out.

use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::Range;

use hpipe_core::{Code, Diagnostic, ProjectPath, Registry, Sources, StageName};
use hpipe_spec::{Mirrored, Pipeline, Pool, check_builtins, parse_mirrored};
use hpipe_store::Store;

use crate::Error;
use crate::discover::{Discovered, Searched, discover};
use crate::graph::{Graph, StageIndex};
use crate::location::{Location, PIPELINE_FILES, absent_pipeline, lock_of, no_pipeline};
use crate::path_range::around;
use crate::resolve::resolve;
use crate::workspace::Disk;

/// One pipeline file of a project.
#[derive(Debug, Clone, Default)]
pub struct PipelineFile {
    /// Where it lies.
    pub path: ProjectPath,
    /// Its stages, by their place in the joined pipeline.
    pub stages: Range<usize>,
    /// Why it is left out; empty for one that is part of the graph.
    pub faults: Vec<Diagnostic>,
    /// Its lock file.
    pub lock: ProjectPath,
    /// Whether it is the root's, whose stages are called by their names alone.
    pub is_root: bool,
}

impl PipelineFile {
    /// Its lock file.
    pub fn lock_file(&self) -> ProjectPath {
        self.lock.clone()
    }

    /// The folder it lies in.
    pub fn folder(&self) -> ProjectPath {
        self.path.parent().unwrap_or_else(ProjectPath::root)
    }

    /// Whether it has faults, so that its stages are not known.
    pub fn is_broken(&self) -> bool {
        !self.faults.is_empty()
    }

    /// What the project calls the stage that this file calls `name`.
    pub fn qualified(&self, name: &StageName) -> StageName {
        match self.is_root {
            true => name.clone(),
            false => name.in_file(self.path.as_str()),
        }
    }

    /// What this file calls the project's stage `name`; none if that is none of its stages.
    pub fn local(&self, name: &StageName) -> Option<StageName> {
        match self.is_root {
            true => name.parts().0.is_none().then(|| name.clone()),
            false => name.within_file(self.path.as_str()),
        }
    }

    /// Its stages.
    pub fn indices(&self) -> impl Iterator<Item = StageIndex> + use<> {
        self.stages.clone().map(StageIndex::new)
    }
}

/// All pipeline files of a project, joined.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) pipeline: Pipeline,
    pub(crate) graph: Graph,
    /// The root's first, then by path.
    pub(crate) files: Vec<PipelineFile>,
    pub(crate) sources: Sources,
    pub(crate) warnings: Vec<Diagnostic>,
    /// Files that put data under control.
    pub(crate) tracking: Vec<ProjectPath>,
    pub(crate) grounds: Grounds,
}

/// What the reading of a project rested on besides the texts of its files.
#[derive(Debug, Default)]
pub(crate) struct Grounds {
    /// The folders that were searched for pipeline files.
    pub(crate) searched: Vec<Searched>,
    /// The folders that were asked for where they lead.
    pub(crate) folders: Vec<ProjectPath>,
    /// What was read for pipeline files that lie in what a stage makes.
    pub(crate) made: Vec<ProjectPath>,
}

/// Reads the project at `location`.
///
/// # Errors
/// [`Error::Invalid`] when there is no pipeline file, when all have faults, and for faults between several.
pub(crate) fn read(
    location: &Location,
    disk: &Disk<'_>,
    store: &Store,
    registry: &Registry,
) -> Result<Joined, Error> {
    let mut reader = Reader {
        disk,
        store,
        registry,
        sources: Sources::default(),
        parts: Vec::new(),
        folders: Vec::new(),
    };
    reader.root(location)?;
    let outs = reader.out_folders();
    let Discovered {
        mut pipelines,
        tracking,
        searched,
    } = discover(disk.root, &location.folder_of_file(), &outs)?;
    pipelines.extend(supposed(location, disk, &pipelines));
    for path in pipelines {
        reader.file(&path, false)?;
    }
    let made = reader.leave_made();
    let folders = std::mem::take(&mut reader.folders);
    let mut joined = reader.joined(location)?;
    joined.tracking = tracking;
    joined.grounds = Grounds {
        searched,
        folders,
        made,
    };
    Ok(joined)
}

/// Pipeline files of sub-folders that are only supposed to be there.
fn supposed(location: &Location, disk: &Disk<'_>, found: &[ProjectPath]) -> Vec<ProjectPath> {
    let texts = disk.texts.keys().filter(|path| {
        PIPELINE_FILES.contains(&path.file_name())
            && **path != location.file
            && !found.contains(path)
    });
    texts.cloned().collect()
}

/// One file, read.
struct Part {
    file: PipelineFile,
    /// What it says; its stages are taken out when they are joined.
    pipeline: Pipeline,
    /// Which of the sources it brought.
    sources: Range<usize>,
    warnings: Vec<Diagnostic>,
}

impl Part {
    /// What its stages make.
    fn out_folders(&self) -> HashSet<&str> {
        let outs = self.pipeline.stages.iter().flat_map(|stage| &stage.outs);
        outs.map(|out| out.path.as_str()).collect()
    }
}

/// Which of some files are made by others, where `makers` are those whose stages make each, if they count themselves.
fn made(makers: &[Vec<usize>]) -> Vec<bool> {
    let mut known: Vec<Option<bool>> = vec![None; makers.len()];
    loop {
        let before = known.clone();
        for (place, makers) in makers.iter().enumerate() {
            if makers.iter().any(|maker| before[*maker] == Some(false)) {
                known[place] = Some(true);
            } else if makers.iter().all(|maker| before[*maker] == Some(true)) {
                known[place] = Some(false);
            }
        }
        if known == before {
            return known.into_iter().map(|made| made == Some(true)).collect();
        }
    }
}

struct Reader<'a> {
    disk: &'a Disk<'a>,
    /// Keeps what pipeline files came to.
    store: &'a Store,
    registry: &'a Registry,
    sources: Sources,
    parts: Vec<Part>,
    /// The folders that were asked for where they lead.
    folders: Vec<ProjectPath>,
}

impl Reader<'_> {
    /// The root's file. One that the user named exists; where none is named, all may lie in sub-folders.
    fn root(&mut self, location: &Location) -> Result<(), Error> {
        if !self.file(&location.file, true)? {
            let file = PipelineFile {
                path: location.file.clone(),
                lock: location.lock_file(),
                is_root: true,
                ..PipelineFile::default()
            };
            self.add(file, Pipeline::default(), self.sources.len(), Vec::new());
        }
        Ok(())
    }

    /// Leaves out the files that lie in what a stage of another makes, which are no files of the project. One that is
    /// left out makes nothing; of files that lie in each other's outs all stay, and the graph refuses them. Says what
    /// was read for those.
    fn leave_made(&mut self) -> Vec<ProjectPath> {
        let outs: Vec<HashSet<_>> = self.parts.iter().map(Part::out_folders).collect();
        let makers: Vec<Vec<usize>> = (self.parts.iter().enumerate())
            .map(|(place, part)| {
                let around: Vec<_> = around(&part.file.path).collect();
                let makes =
                    |outs: &HashSet<&str>| around.iter().any(|at| outs.contains(at.as_str()));
                // The root's is there whatever is made.
                let others = outs
                    .iter()
                    .enumerate()
                    .filter(|(other, _)| place > 0 && *other != place);
                others
                    .filter(|(_, outs)| makes(outs))
                    .map(|(other, _)| other)
                    .collect()
            })
            .collect();
        drop(outs);
        let is_made = made(&makers);
        let mut places = is_made.iter();
        let left = self
            .parts
            .extract_if(.., |_| places.next().copied().unwrap_or_default());
        left.flat_map(|part| part.pipeline.read).collect()
    }

    /// What the root's stages make.
    fn out_folders(&self) -> HashSet<&str> {
        self.parts
            .first()
            .map(Part::out_folders)
            .unwrap_or_default()
    }

    /// Reads one file; says whether it exists.
    fn file(&mut self, path: &ProjectPath, is_root: bool) -> Result<bool, Error> {
        let mut file = PipelineFile {
            path: path.clone(),
            lock: lock_of(path, |other| other.on_disk(self.disk.root).is_file()),
            is_root,
            ..PipelineFile::default()
        };
        let before = self.sources.len();
        let text = match self.disk.text(path) {
            Ok(Some(text)) => text,
            Ok(None) => return Ok(false),
            Err(Error::Read { source, .. }) if source.kind() == io::ErrorKind::InvalidData => {
                file.faults.push(not_text(path));
                self.add(file, Pipeline::default(), before, Vec::new());
                return Ok(true);
            }
            Err(other) => return Err(other),
        };
        let sources = std::mem::take(&mut self.sources);
        let mirror = self.store.pipeline_mirror(path);
        let Mirrored { parsed, keep } =
            parse_mirrored(path, &text, self.disk, sources, mirror.as_deref());
        if let Some(mirror) = keep.filter(|_| self.disk.texts.is_empty()) {
            self.store.keep_pipeline_mirror(path, mirror);
        }
        self.sources = parsed.sources;
        let (faults, warnings): (Vec<_>, Vec<_>) = parsed
            .diagnostics
            .into_iter()
            .partition(Diagnostic::is_error);
        file.faults = faults;
        let mut pipeline = parsed.pipeline.unwrap_or_default();
        self.folders.extend(resolve(&mut pipeline, self.disk.root));
        file.faults.extend(check_builtins(&pipeline, self.registry));
        if file.is_broken() {
            pipeline = Pipeline::default();
        }
        if pipeline.read.is_empty() {
            pipeline.read.push(path.clone());
        }
        for stage in &mut pipeline.stages {
            stage.name = file.qualified(&stage.name);
        }
        for (name, _) in &mut pipeline.absent {
            *name = file.qualified(name);
        }
        self.add(file, pipeline, before, warnings);
        Ok(true)
    }

    fn add(
        &mut self,
        file: PipelineFile,
        pipeline: Pipeline,
        first_source: usize,
        warnings: Vec<Diagnostic>,
    ) {
        self.parts.push(Part {
            file,
            pipeline,
            warnings,
            sources: first_source..self.sources.len(),
        });
    }

    /// Joins what is without fault; leaves out a file whose stages contradict each other, and tries again.
    fn joined(mut self, location: &Location) -> Result<Joined, Error> {
        if self.parts.len() == 1 && self.sources.is_empty() && !self.parts[0].file.is_broken() {
            let named = location.root.join(location.file.as_str());
            let fault = match location.is_named {
                true => absent_pipeline(&named),
                false => no_pipeline(&location.root),
            };
            return Err(Error::invalid(vec![fault], &self.sources));
        }
        let needed = self.needed();
        let mut pipeline = Pipeline::default();
        let graph = loop {
            self.take_stages(&mut pipeline);
            match Graph::new(&pipeline, &needed) {
                Ok(graph) => break graph,
                Err(faults) => {
                    self.give_back(&mut pipeline);
                    self.blame(faults)?;
                }
            }
        };
        if self.parts.iter().all(|part| part.file.is_broken()) {
            let faults = self.parts.into_iter().flat_map(|part| part.file.faults);
            return Err(Error::invalid(faults.collect(), &self.sources));
        }
        let faults = self.unequal_pools();
        match faults.is_empty() {
            true => Ok(self.finish(pipeline, graph)),
            false => Err(Error::invalid(faults, &self.sources)),
        }
    }

    /// Pools to which several files give several sizes: nobody can say which one counts.
    fn unequal_pools(&self) -> Vec<Diagnostic> {
        let good = self.parts.iter().filter(|part| !part.file.is_broken());
        let mut known: HashMap<&str, &Pool> = HashMap::new();
        let mut faults = Vec::new();
        for pool in good.flat_map(|part| &part.pipeline.pools) {
            let first = *known.entry(&pool.name).or_insert(pool);
            if first.size != pool.size {
                let message = format!("pool `{}` has several sizes", pool.name);
                faults.push(
                    Diagnostic::error(Code::Unplaceable, message)
                        .at(first.span, format!("{} here", first.size))
                        .at(pool.span, format!("{} here", pool.size))
                        .help("a pool is one for all files of a project: give it one size, or declare it once"),
                );
            }
        }
        faults
    }

    /// What no out may hold.
    fn needed(&self) -> Vec<ProjectPath> {
        let mut needed: Vec<_> = self
            .parts
            .iter()
            .flat_map(|part| {
                let file = [part.file.path.clone(), part.file.lock_file()];
                file.into_iter().chain(part.pipeline.read.iter().cloned())
            })
            .collect();
        let mut seen = HashSet::new();
        needed.retain(|path| seen.insert(path.clone()));
        needed
    }

    fn take_stages(&mut self, pipeline: &mut Pipeline) {
        for part in self.parts.iter_mut().filter(|part| !part.file.is_broken()) {
            let start = pipeline.stages.len();
            pipeline.stages.append(&mut part.pipeline.stages);
            part.file.stages = start..pipeline.stages.len();
        }
    }

    fn give_back(&mut self, pipeline: &mut Pipeline) {
        let good = self.parts.iter_mut().filter(|part| !part.file.is_broken());
        for part in good.rev() {
            part.pipeline.stages = pipeline.stages.split_off(part.file.stages.start);
        }
    }

    /// Leaves out the files that are at fault alone.
    fn blame(&mut self, faults: Vec<Diagnostic>) -> Result<(), Error> {
        let culprits: Vec<_> = faults.iter().map(|fault| self.culprit(fault)).collect();
        if culprits.contains(&None) || self.parts.len() == 1 {
            return Err(Error::invalid(faults, &self.sources));
        }
        for (fault, culprit) in faults.into_iter().zip(culprits) {
            let Some(part) = culprit.and_then(|index| self.parts.get_mut(index)) else {
                continue;
            };
            part.file.faults.push(fault);
            part.file.stages = 0..0;
        }
        Ok(())
    }

    /// The file all places of a fault lie in.
    fn culprit(&self, fault: &Diagnostic) -> Option<usize> {
        let part_of = |source: usize| {
            let mut parts = self.parts.iter();
            parts.position(|part| part.sources.contains(&source))
        };
        let mut places = fault.labels.iter();
        let first = part_of(places.next()?.span.source.index())?;
        places
            .all(|label| part_of(label.span.source.index()) == Some(first))
            .then_some(first)
    }

    fn finish(mut self, mut pipeline: Pipeline, graph: Graph) -> Joined {
        let mut seen = HashSet::new();
        let mut warnings = Vec::new();
        for part in &mut self.parts {
            warnings.append(&mut part.warnings);
            let read = part.pipeline.read.drain(..);
            pipeline
                .read
                .extend(read.filter(|path| seen.insert(path.clone())));
            if part.file.is_broken() {
                warnings.push(left_out(&part.file));
                continue;
            }
            pipeline.metrics.append(&mut part.pipeline.metrics);
            pipeline.params.append(&mut part.pipeline.params);
            pipeline.plots.append(&mut part.pipeline.plots);
            pipeline.pools.append(&mut part.pipeline.pools);
            pipeline.artifacts.append(&mut part.pipeline.artifacts);
            pipeline.datasets.append(&mut part.pipeline.datasets);
            pipeline.absent.append(&mut part.pipeline.absent);
        }
        Joined {
            pipeline,
            graph,
            files: self.parts.into_iter().map(|part| part.file).collect(),
            sources: self.sources,
            warnings,
            tracking: Vec::new(),
            grounds: Grounds::default(),
        }
    }
}

fn not_text(path: &ProjectPath) -> Diagnostic {
    Diagnostic::error(Code::Syntax, format!("`{path}` is not UTF-8"))
        .help("save it in the encoding UTF-8")
}

/// The warning that a file is no part of the graph.
fn left_out(file: &PipelineFile) -> Diagnostic {
    let (path, count) = (&file.path, file.faults.len());
    let (code, first) = match file.faults.first() {
        Some(fault) => (fault.code, fault.message.as_str()),
        None => (Code::Syntax, "nobody can say why"),
    };
    let told = match count {
        1 => format!("`{path}` is left out: {first}"),
        _ => format!("`{path}` is left out for {count} faults, the first: {first}"),
    };
    Diagnostic::warning(code, told).help(format!(
        "only what needs its stages is refused; `hpipe status {path}` shows where the faults are"
    ))
}
