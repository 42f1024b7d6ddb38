//! What a change of some files reaches: the stages that read them, and what needs those.
//!
//! A whole round reads the project anew and looks at every stage. That is too much for the change that is made most often:
//! somebody saves a file that is a dep and nothing else. After a round in which every stage came to a good end, such a
//! change concerns the stages it reaches and no other, so a *short* round looks at these alone; the first of them starts as
//! soon in a pipeline of ten thousand stages as in one of ten.
//!
//! What a short round would not see, and what therefore asks for a whole one:
//!
//! | what | why |
//! |---|---|
//! | a file that is also a pipeline, params or ignore file | it says what is to be done, not with what |
//! | a folder, a link, a file that has gone | what is watched must be arranged anew |
//! | an out of another stage that is not as recorded | whoever makes it must be looked at first |
//! | a stage that is always changed | it executes in every whole round |
//! | a frozen stage among those reached, flags that ask for more or less | whole rounds know what they mean |
//! | more than [`MOST`] stages | a whole round is no dearer |

use std::collections::{BTreeMap, BTreeSet, HashSet};

use hpipe_core::ProjectPath;

use super::news::Woken;
use crate::Error;
use crate::graph::StageIndex;
use crate::inputs::Inputs;
use crate::path_range::around;
use crate::plan::Plan;
use crate::repro::{Carried, ReproOptions, planned};
use crate::workspace::Workspace;

/// Stages that a short round looks at.
const MOST: usize = 500;

/// Which stages read what.
#[derive(Debug)]
pub(super) struct Reach {
    /// The stages of a whole round, upstream first.
    order: Vec<StageIndex>,
    planned: HashSet<StageIndex>,
    /// Those of them that have a path as a dep.
    readers: BTreeMap<ProjectPath, Vec<StageIndex>>,
    /// What a whole round must read again, beside what defines the pipeline.
    params: BTreeSet<ProjectPath>,
}

impl Reach {
    /// That of the files `workspace` reads; none when every change asks for a whole round.
    pub(super) fn of(workspace: &Workspace, options: &ReproOptions) -> Option<Self> {
        let is_plain = !options.force
            && !options.force_downstream
            && !options.allow_missing
            && options.stop_after.is_none()
            && options.confirm.is_none();
        if !is_plain {
            return None;
        }
        let order = planned(workspace, options).ok()?.order;
        let mut stages = order.iter().map(|index| workspace.stage(*index));
        if stages.any(|stage| stage.always_changed) {
            return None;
        }
        let mut readers: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for index in &order {
            for dep in &workspace.stage(*index).deps {
                readers.entry(dep.path.clone()).or_default().push(*index);
            }
        }
        let stages = &workspace.pipeline().stages;
        let params = stages
            .iter()
            .flat_map(|stage| stage.params.iter().map(|param| &param.file));
        Some(Self {
            params: params.cloned().collect(),
            planned: order.iter().copied().collect(),
            order,
            readers,
        })
    }

    /// The stages that a change of these files reaches, upstream first; none when that asks for a whole round.
    ///
    /// # Errors
    /// What looking at outs fails with.
    pub(super) fn plan(
        &self,
        workspace: &Workspace,
        woken: &Woken,
        carried: &Carried,
    ) -> Result<Option<Plan>, Error> {
        let changed = &woken.paths;
        if woken.redefines || changed.iter().any(|path| self.params.contains(path)) {
            return Ok(None);
        }
        let readers = changed.iter().flat_map(around);
        let readers = readers.filter_map(|path| self.readers.get(&path)).flatten();
        let reached = self.downstream(workspace, readers.copied().collect());
        if reached.is_empty() || reached.len() > MOST {
            return Ok(None);
        }
        let order = self.order.iter().copied();
        let order: Vec<_> = order.filter(|stage| reached.contains(stage)).collect();
        let is_frozen = order.iter().any(|stage| workspace.stage(*stage).frozen);
        if is_frozen || !stand_as_recorded(workspace, &reached, carried)? {
            return Ok(None);
        }
        Ok(Some(Plan {
            targets: order.clone(),
            order,
        }))
    }

    /// These stages and what needs them; gives up beyond [`MOST`].
    fn downstream(&self, workspace: &Workspace, first: Vec<StageIndex>) -> BTreeSet<StageIndex> {
        let mut reached = BTreeSet::new();
        let mut ahead = first;
        while let Some(stage) = ahead.pop() {
            if reached.insert(stage) && reached.len() <= MOST {
                ahead.extend(workspace.graph().needed_by(stage));
            }
        }
        reached.retain(|stage| self.planned.contains(stage));
        reached
    }
}

/// Whether what the `reached` stages read of others is what it was when they were last brought up to date.
fn stand_as_recorded(
    workspace: &Workspace,
    reached: &BTreeSet<StageIndex>,
    carried: &Carried,
) -> Result<bool, Error> {
    let inputs = Inputs::fresh(workspace);
    for index in reached {
        let stage = workspace.stage(*index);
        let recorded = carried.lock_file.stages.get(&stage.name);
        let recorded = recorded.map_or(&[][..], |entry| &entry.deps);
        for dep in &stage.deps {
            let mut makers = workspace.graph().makers(&dep.path);
            if makers.all(|maker| reached.contains(&maker)) {
                continue;
            }
            let found = inputs.content(&dep.path)?;
            let mut recorded = recorded.iter();
            if !recorded.any(|one| one.path == dep.path && Some(one.content) == found) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
