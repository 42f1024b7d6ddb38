//! Which stages a command is about, and in which order.
//!
//! Adds to the stages that the targets name (`targets`) what they need, or what needs them, and sorts: upstream first, else
//! as in the file.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hpipe_core::{Diagnostic, ProjectPath};
use hpipe_spec::Pipeline;

use crate::graph::{Graph, StageIndex};
use crate::joined::PipelineFile;
use crate::targets::Stages;

/// What the user asked for.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Stages, groups, outs or pipeline files; see `targets`.
    pub targets: Vec<String>,
    /// What is meant when there is no target.
    pub untargeted: Untargeted,
    /// The folder targets that are paths are relative to.
    pub folder: Option<ProjectPath>,
    /// The user named the root's pipeline file: that is the nearest, whatever folder he is in.
    pub of_root: bool,
    /// Only the targets themselves, not what they need.
    pub single_item: bool,
    /// The targets and everything that needs them, instead of what they need.
    pub downstream: bool,
    /// The whole pipelines that the targets are part of: everything that is connected with them.
    pub pipeline: bool,
    /// A folder among the targets means the pipeline files in it and below.
    pub recursive: bool,
    /// `*`, `?` and `[…]` in the name of a stage stand for other text.
    pub glob: bool,
}

/// What is meant when the user names no target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Untargeted {
    /// The stages of the pipeline file that is nearest to the folder, upwards; of all files, if the root's has no stage.
    #[default]
    Nearest,
    /// The stages of every file that is without fault.
    Known,
    /// The stages of every file; a file with faults is an error.
    All,
}

/// The stages to look at, upstream first.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In an order they could execute in one by one.
    pub order: Vec<StageIndex>,
    /// The stages that the user named, or all.
    pub targets: Vec<StageIndex>,
}

impl Plan {
    /// Selects and sorts.
    ///
    /// # Errors
    /// A diagnostic for every target that names nothing, and the faults of a pipeline file that is asked for.
    pub fn new(
        pipeline: &Pipeline,
        graph: &Graph,
        files: &[PipelineFile],
        selection: &Selection,
    ) -> Result<Self, Vec<Diagnostic>> {
        let stages = Stages {
            pipeline,
            graph,
            files,
        };
        let targets = stages.targeted(selection)?;
        let everything = targets.len() == pipeline.stages.len();
        let wanted = if everything || selection.single_item {
            members(pipeline, &targets)
        } else {
            closure(pipeline, &targets, |stage| {
                let up = graph.needs(stage).filter(|_| !selection.downstream);
                let both = selection.downstream || selection.pipeline;
                up.chain(graph.needed_by(stage).filter(|_| both)).collect()
            })
        };
        Ok(Self {
            order: sort(graph, &wanted),
            targets,
        })
    }
}

fn members(pipeline: &Pipeline, stages: &[StageIndex]) -> Vec<bool> {
    let mut wanted = vec![false; pipeline.stages.len()];
    for stage in stages {
        wanted[stage.index()] = true;
    }
    wanted
}

fn closure(
    pipeline: &Pipeline,
    from: &[StageIndex],
    next: impl Fn(StageIndex) -> Vec<StageIndex>,
) -> Vec<bool> {
    let mut wanted = members(pipeline, from);
    let mut stack = from.to_vec();
    while let Some(stage) = stack.pop() {
        for other in next(stage) {
            if !std::mem::replace(&mut wanted[other.index()], true) {
                stack.push(other);
            }
        }
    }
    wanted
}

/// Kahn's algorithm with a heap, so that among stages that could come next the file's order decides.
fn sort(graph: &Graph, wanted: &[bool]) -> Vec<StageIndex> {
    let is_wanted = |stage: &StageIndex| wanted[stage.index()];
    let mut open: Vec<usize> = vec![0; wanted.len()];
    let mut next = BinaryHeap::new();
    for stage in (0..wanted.len()).map(StageIndex::new).filter(is_wanted) {
        open[stage.index()] = graph.needs(stage).filter(is_wanted).count();
        if open[stage.index()] == 0 {
            next.push(Reverse(stage));
        }
    }
    let mut order = Vec::new();
    while let Some(Reverse(stage)) = next.pop() {
        order.push(stage);
        for after in graph.needed_by(stage).filter(is_wanted) {
            open[after.index()] -= 1;
            if open[after.index()] == 0 {
                next.push(Reverse(after));
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{graph_of, parse};

    const TEXT: &str = "
stages:
  prepare: {cmd: x, outs: [data/prepared]}
  train:
    matrix: {model: [a, b]}
    cmd: x
    deps: [data/prepared]
    outs: ['models/${item.model}']
  evaluate: {cmd: x, deps: [models/a, models/b], metrics: [m.json]}
  other: {cmd: x}
";

    fn planned(targets: &[&str], change: impl Fn(&mut Selection)) -> Result<Vec<String>, String> {
        let pipeline = parse(TEXT);
        let targets = targets.iter().map(|target| (*target).to_owned()).collect();
        let mut selection = Selection {
            targets,
            ..Selection::default()
        };
        change(&mut selection);
        let plan = Plan::new(&pipeline, &graph_of(&pipeline), &[], &selection);
        let names = |plan: Plan| {
            plan.order
                .iter()
                .map(|i| pipeline.stages[i.index()].name.to_string())
                .collect()
        };
        plan.map(names).map_err(|faults| {
            format!(
                "{}; {}",
                faults[0].message,
                faults[0].help.clone().unwrap_or_default()
            )
        })
    }

    #[test]
    fn everything_comes_upstream_first_and_else_as_written() {
        let all = planned(&[], |_| {});
        assert_eq!(
            all.expect("all"),
            ["prepare", "train@a", "train@b", "evaluate", "other"]
        );
    }

    #[test]
    fn targets_are_stages_groups_and_outs() {
        assert_eq!(
            planned(&["train@b"], |_| {}).expect("stage"),
            ["prepare", "train@b"]
        );
        assert_eq!(
            planned(&["train"], |_| {}).expect("group"),
            ["prepare", "train@a", "train@b"]
        );
        assert_eq!(
            planned(&["models/a"], |_| {}).expect("out"),
            ["prepare", "train@a"]
        );
        let in_folder =
            |selection: &mut Selection| selection.folder = Some(ProjectPath::new("data"));
        assert_eq!(
            planned(&["prepared"], in_folder).expect("out in a folder"),
            ["prepare"]
        );
    }

    #[test]
    fn single_items_and_downstream() {
        assert_eq!(
            planned(&["evaluate"], |s| s.single_item = true).expect("single"),
            ["evaluate"]
        );
        assert_eq!(
            planned(&["train@a"], |s| s.downstream = true).expect("downstream"),
            ["train@a", "evaluate"]
        );
    }

    #[test]
    fn an_unknown_target_is_told_with_the_nearest() {
        let fault = planned(&["evalute"], |_| {}).expect_err("unknown");
        assert_eq!(
            fault,
            "no stage, group or out is called `evalute`; did you mean `evaluate`?"
        );
    }
}
