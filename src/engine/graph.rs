//! The graph of a pipeline: which stage needs which.
//!
//! Joins outs to deps by path. A dep is made by the stage whose out it is, whose out folder it lies in, or, if the dep
//! is a folder, by every stage with an out inside it. What would make that ambiguous (an out owned twice, an out inside
//! another, a stage that needs what it makes) and what would never end (a cycle) is refused here with *all* such
//! faults at once, before anything executes.
//!
//! Knows paths and names only: whether a file exists, or what is in it, is decided later.

use std::collections::{BTreeMap, HashMap};

use hpipe_core::{Code, Diagnostic, ProjectPath, Span, StageName};
use hpipe_spec::{Out, Pipeline, StageSpec};
use petgraph::Direction;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::path_range::{around, inside};

/// Names a stage within one [`Graph`]: its place in the pipeline's list of stages.
pub type StageIndex = NodeIndex<u32>;

/// Which stage needs which, and which stage makes which path.
#[derive(Debug, Default)]
pub struct Graph {
    edges: DiGraph<(), (), u32>,
    owners: BTreeMap<ProjectPath, StageIndex>,
    names: HashMap<StageName, StageIndex>,
}

impl Graph {
    /// Joins the stages of `pipeline`; no out may hold one of the `needed` files.
    ///
    /// # Errors
    /// Every duplicate, overlapping or outside out, every stage that needs what it makes, and every cycle.
    pub fn new(pipeline: &Pipeline, needed: &[ProjectPath]) -> Result<Self, Vec<Diagnostic>> {
        let mut graph = Self::default();
        let mut faults = Vec::new();
        for (index, stage) in indexed(&pipeline.stages) {
            graph.edges.add_node(());
            graph.names.insert(stage.name.clone(), index);
        }
        for (index, stage) in indexed(&pipeline.stages) {
            for out in &stage.outs {
                check_place(stage, out, needed, &mut faults);
                graph.own(&pipeline.stages, index, out, &mut faults);
            }
        }
        graph.check_overlaps(&pipeline.stages, &mut faults);
        for (index, stage) in indexed(&pipeline.stages) {
            graph.connect(index, stage, &mut faults);
        }
        if faults.is_empty() {
            graph.check_cycles(&pipeline.stages, &mut faults);
        }
        if faults.is_empty() {
            Ok(graph)
        } else {
            Err(faults)
        }
    }

    /// The stage called `name`.
    pub fn find(&self, name: &str) -> Option<StageIndex> {
        self.names.get(name).copied()
    }

    /// The stages that make `path`, lie around it or inside it.
    pub fn makers<'a>(&'a self, path: &'a ProjectPath) -> impl Iterator<Item = StageIndex> + 'a {
        let holders = around(path).filter_map(|folder| self.owners.get(&folder).copied());
        holders.chain(inside(&self.owners, path).map(|(_, owner)| *owner))
    }

    /// The stages `stage` needs.
    pub fn needs(&self, stage: StageIndex) -> impl Iterator<Item = StageIndex> + '_ {
        self.edges.neighbors_directed(stage, Direction::Incoming)
    }

    /// The stages that need `stage`.
    pub fn needed_by(&self, stage: StageIndex) -> impl Iterator<Item = StageIndex> + '_ {
        self.edges.neighbors_directed(stage, Direction::Outgoing)
    }

    /// Every edge, from the stage that makes to the stage that needs, sorted.
    pub fn edges(&self) -> Vec<(StageIndex, StageIndex)> {
        let mut edges: Vec<_> = self
            .edges
            .edge_indices()
            .filter_map(|edge| self.edges.edge_endpoints(edge))
            .collect();
        edges.sort();
        edges
    }

    /// Every path a stage makes, sorted.
    pub fn outs(&self) -> impl Iterator<Item = (&ProjectPath, StageIndex)> {
        self.owners.iter().map(|(path, owner)| (path, *owner))
    }

    fn own(
        &mut self,
        stages: &[StageSpec],
        index: StageIndex,
        out: &Out,
        faults: &mut Vec<Diagnostic>,
    ) {
        if let Some(first) = self.owners.insert(out.path.clone(), index) {
            faults.push(duplicate_out(stages, first, index, out));
        }
    }

    fn check_overlaps(&self, stages: &[StageSpec], faults: &mut Vec<Diagnostic>) {
        for (path, owner) in &self.owners {
            for (folder, outer) in around(path)
                .skip(1)
                .filter_map(|folder| self.owners.get_key_value(&folder))
            {
                faults.push(overlapping_outs(
                    &stages[owner.index()],
                    path,
                    &stages[outer.index()],
                    folder,
                ));
            }
        }
    }

    fn connect(&mut self, index: StageIndex, stage: &StageSpec, faults: &mut Vec<Diagnostic>) {
        let deps = stage.deps.iter().map(|dep| (&dep.path, dep.span));
        let params = stage.params.iter().map(|param| (&param.file, param.span));
        let mut needed: Vec<StageIndex> = Vec::new();
        for (path, span) in deps.chain(params) {
            for maker in self.makers(path) {
                if maker == index {
                    faults.push(dep_is_out(stage, path, span));
                } else {
                    needed.push(maker);
                }
            }
        }
        needed.sort();
        needed.dedup();
        for maker in needed {
            self.edges.add_edge(maker, index, ());
        }
    }

    fn check_cycles(&self, stages: &[StageSpec], faults: &mut Vec<Diagnostic>) {
        let circles = tarjan_scc(&self.edges)
            .into_iter()
            .filter(|members| members.len() > 1);
        faults.extend(circles.map(|members| cycle(stages, &self.walk_circle(&members))));
    }

    /// A shortest way round from the first stage of a strongly connected component back to itself.
    fn walk_circle(&self, members: &[StageIndex]) -> Vec<StageIndex> {
        let Some(start) = members.iter().min().copied() else {
            return Vec::new();
        };
        let mut came_from: HashMap<StageIndex, StageIndex> = HashMap::new();
        let mut frontier = std::collections::VecDeque::from([start]);
        while let Some(stage) = frontier.pop_front() {
            for next in self.needed_by(stage).filter(|next| members.contains(next)) {
                if next == start {
                    let mut way: Vec<_> =
                        std::iter::successors(Some(stage), |at| came_from.get(at).copied())
                            .collect();
                    way.reverse();
                    return way;
                }
                came_from.entry(next).or_insert_with(|| {
                    frontier.push_back(next);
                    stage
                });
            }
        }
        members.to_vec()
    }
}

/// The stages with their indices.
pub(crate) fn indexed(stages: &[StageSpec]) -> impl Iterator<Item = (StageIndex, &StageSpec)> {
    stages
        .iter()
        .enumerate()
        .map(|(i, stage)| (StageIndex::new(i), stage))
}

/// Folders that hold what cannot be made again, or what hpipe itself keeps.
const KEPT: [&str; 2] = [".git", ".cache"];

/// Refuses an out whose removal before an execution would take more with it than the stage makes.
fn check_place(stage: &StageSpec, out: &Out, needed: &[ProjectPath], faults: &mut Vec<Diagnostic>) {
    if out.path.is_outside() && out.cache {
        faults.push(
            Diagnostic::error(
                Code::OutsideProject,
                format!(
                    "out `{}` of stage `{}` lies outside the project",
                    out.path, stage.name
                ),
            )
            .at(out.span, "cannot be cached")
            .help("move it below the project root, or declare it with `cache: false`"),
        );
    }
    let kept = KEPT.map(ProjectPath::new);
    let inside = kept.iter().find(|kept| out.path.is_within(kept));
    let held = needed
        .iter()
        .chain(&kept)
        .find(|path| holds(&out.path, path));
    let what = match (held, inside) {
        (Some(path), _) if *path == out.path => format!("is what hpipe needs as `{path}`"),
        (Some(path), _) => format!("contains `{path}`, which hpipe needs"),
        (None, Some(folder)) => format!("lies in `{folder}`, which is not for outs"),
        (None, None) => return,
    };
    faults.push(
        Diagnostic::error(
            Code::PipelineInOut,
            format!("out `{}` of stage `{}` {what}", out.path, stage.name),
        )
        .at(out.span, "would be removed before the stage executes")
        .help("declare a folder of its own for what the stage makes"),
    );
}

/// Whether `folder` is `path` or lies somewhere around it; a folder outside the project may hold all of it.
fn holds(folder: &ProjectPath, path: &ProjectPath) -> bool {
    let is_above = folder.as_str().split('/').all(|part| part == "..");
    is_above || path.is_within(folder)
}

fn duplicate_out(
    stages: &[StageSpec],
    first: StageIndex,
    second: StageIndex,
    out: &Out,
) -> Diagnostic {
    let (first, second) = (&stages[first.index()], &stages[second.index()]);
    let message = if first.name == second.name {
        format!(
            "stage `{}` declares the out `{}` twice",
            first.name, out.path
        )
    } else {
        format!(
            "stages `{}` and `{}` both make `{}`",
            first.name, second.name, out.path
        )
    };
    let mut fault = Diagnostic::error(Code::DuplicateOut, message).at(out.span, "made here too");
    if let Some(former) = first
        .outs
        .iter()
        .find(|former| former.path == out.path && former.span != out.span)
    {
        fault = fault.at(former.span, "first made here");
    }
    fault.help("a path has one maker; give one of them another name")
}

fn overlapping_outs(
    inner: &StageSpec,
    path: &ProjectPath,
    outer: &StageSpec,
    folder: &ProjectPath,
) -> Diagnostic {
    let message = format!(
        "out `{path}` of stage `{}` lies inside out `{folder}` of stage `{}`",
        inner.name, outer.name
    );
    let mut fault = Diagnostic::error(Code::OverlappingOuts, message);
    for (stage, path, text) in [(inner, path, "lies inside"), (outer, folder, "this out")] {
        if let Some(out) = stage.outs.iter().find(|out| out.path == *path) {
            fault = fault.at(out.span, text);
        }
    }
    fault.help(
        "declare outs that do not contain each other, so that each is stored and restored alone",
    )
}

fn dep_is_out(stage: &StageSpec, path: &ProjectPath, span: Span) -> Diagnostic {
    let message = format!(
        "stage `{}` needs `{path}`, which it makes itself",
        stage.name
    );
    let mut fault = Diagnostic::error(Code::DepIsOut, message).at(span, "needed here");
    let own = stage
        .outs
        .iter()
        .find(|out| path.is_within(&out.path) || out.path.is_within(path));
    if let Some(out) = own {
        fault = fault.at(out.span, "made here");
    }
    fault.help("remove it from the deps, or let another stage make it")
}

fn cycle(stages: &[StageSpec], way: &[StageIndex]) -> Diagnostic {
    let names: Vec<_> = way
        .iter()
        .chain(way.first())
        .map(|i| stages[i.index()].name.as_str())
        .collect();
    let message = format!("stages need each other in a circle: {}", names.join(" → "));
    let mut fault = Diagnostic::error(Code::Cycle, message);
    for index in way {
        let stage = &stages[index.index()];
        fault = fault.at(
            stage.span,
            format!("`{}` is part of the circle", stage.name),
        );
    }
    fault.help(
        "an edge goes from the stage that makes a file to the stage that needs it; cut one of them",
    )
}

#[cfg(test)]
mod tests;
