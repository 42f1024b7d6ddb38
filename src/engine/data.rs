//! Data under control: files and folders that no stage makes, and that `hpipe add` stored.
//!
//! The data file beside them (`raw.csv.hpipe`) names their content. They are deps like any other; when they are gone and
//! something needs them, they come back from the cache, and `checkout` makes them what their data files say. What files of
//! `dvc add` (`raw.csv.dvc`) track is used as it lies there, too; when it is gone and something needs it, it comes back
//! from DVC's own cache, or the user is told which command of DVC brings it back.

mod add;

use hpipe_core::{Content, Event, EventSink, ProjectPath, StageName};
use hpipe_store::{DATA_FILE_ENDING, DVC_FILE_ENDING};

use crate::Error;
use crate::checkout::machine;
use crate::exec::Keeper;
use crate::inputs::Inputs;
use crate::plan::Plan;
use crate::workspace::Workspace;

pub use add::add;

/// A file or folder under control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// Where it belongs.
    pub path: ProjectPath,
    /// What it is, as its data file says.
    pub content: Content,
}

/// What became of a tracked path in `checkout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataState {
    /// It was right already.
    Unchanged,
    /// It was put in place.
    Restored,
    /// The cache does not have it.
    Missing,
}

/// Makes data under control what the data files say: all of it, or what lies at `wanted`, in it or around it. With
/// `relink`, also what is right already is put in place anew, linked as the settings say now.
///
/// # Errors
/// [`Error::Store`] when a data file is none, or the disk refuses.
pub fn checkout_data(
    workspace: &Workspace,
    wanted: Option<&[ProjectPath]>,
    relink: bool,
    sink: &dyn EventSink,
) -> Result<Vec<(Tracked, DataState)>, Error> {
    let mut done = Vec::new();
    for tracked in workspace.tracked()? {
        let is_asked = |path: &ProjectPath| touches(path, &tracked.path);
        let is_wanted = wanted.is_none_or(|wanted| wanted.iter().any(is_asked));
        if !is_wanted || is_made(workspace, &tracked.path) {
            continue;
        }
        let state = put(workspace, &tracked, relink, sink)?;
        done.push((tracked, state));
    }
    Ok(done)
}

/// Whether one of two paths is the other, or lies in it.
fn touches(one: &ProjectPath, other: &ProjectPath) -> bool {
    one.is_within(other) || other.is_within(one)
}

fn put(
    workspace: &Workspace,
    tracked: &Tracked,
    relink: bool,
    sink: &dyn EventSink,
) -> Result<DataState, Error> {
    let (store, path) = (workspace.store(), &tracked.path);
    let found = Inputs::fresh(workspace).content(path)?;
    let is_right = found.is_some_and(|found| found.same(&tracked.content));
    let done = match (is_right, relink) {
        (true, false) => return Ok(DataState::Unchanged),
        (true, true) => store.relink(&tracked.content, path),
        (false, _) if !store.has(&tracked.content) => return Ok(DataState::Missing),
        (false, _) => {
            let name = StageName::known(path.as_str());
            let keeper = Keeper {
                workspace,
                sink,
                stage: &name,
                recorded: &[],
            };
            keeper.keep(path).map_err(machine)?;
            store.restore(&tracked.content, path)
        }
    };
    match done {
        Ok(()) => Ok(DataState::Restored),
        Err(hpipe_store::Error::NotInCache { .. }) => Ok(DataState::Missing),
        Err(other) => Err(other.into()),
    }
}

/// Brings back data that planned stages need and that is gone.
///
/// # Errors
/// [`Error::Store`] when a data file is none, or the disk refuses. What the cache does not have stays missing.
pub(crate) fn bring_back(
    workspace: &Workspace,
    plan: &Plan,
    sink: &dyn EventSink,
) -> Result<(), Error> {
    for tracked in gone(workspace, plan, true)? {
        match workspace.store().restore(&tracked.content, &tracked.path) {
            Ok(()) => sink.emit(&Event::StageNote {
                stage: StageName::known(tracked.path.as_str()),
                text: "restored, for it was gone".to_owned(),
            }),
            Err(hpipe_store::Error::NotInCache { .. }) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Ok(())
}

/// Stores again data under control that planned stages need and that the cache has lost, where it lies in place as its data
/// file says: nobody else has it.
///
/// # Errors
/// [`Error::Store`] when the data cannot be read, or the cache not be written.
pub(crate) fn store_again(workspace: &Workspace, plan: &Plan) -> Result<(), Error> {
    let store = workspace.store();
    for file in workspace.data_files() {
        let path = file.as_str().strip_suffix(DATA_FILE_ENDING);
        let path = path
            .map(ProjectPath::new)
            .filter(|path| needs(workspace, plan, path) && !is_made(workspace, path));
        // Of one that is none nobody knows what it stands for; the data in place is a dep like any other.
        let (Some(path), Ok((_, content))) = (path, store.read_data_file(file)) else {
            continue;
        };
        if !store.has(&content) {
            let found = Inputs::fresh(workspace).content(&path)?;
            if found.is_some_and(|found| found.same(&content)) {
                store.commit(&path)?;
            }
        }
    }
    Ok(())
}

/// Takes what [`bring_back`] would bring back for present.
///
/// # Errors
/// As [`bring_back`].
pub(crate) fn suppose_back(
    inputs: &Inputs<'_>,
    workspace: &Workspace,
    plan: &Plan,
) -> Result<(), Error> {
    for tracked in gone(workspace, plan, false)? {
        inputs.made(&tracked.path, Some(tracked.content));
    }
    Ok(())
}

/// Takes data under control that is not there for what its data files say. Of data that DVC tracks nobody but DVC knows
/// the content.
///
/// # Errors
/// [`Error::Store`] when a data file is none.
pub(crate) fn suppose_added(inputs: &Inputs<'_>, workspace: &Workspace) -> Result<(), Error> {
    for tracked in workspace.tracked()? {
        let on_disk = tracked.path.on_disk(workspace.store().root());
        let is_there = on_disk.symlink_metadata().is_ok();
        if !is_there && !is_made(workspace, &tracked.path) {
            inputs.made(&tracked.path, Some(tracked.content));
        }
    }
    Ok(())
}

/// Data that planned stages need, that is not there, and that the cache has, or DVC's; with `keep`, what DVC's cache has
/// is taken over into ours.
fn gone(workspace: &Workspace, plan: &Plan, keep: bool) -> Result<Vec<Tracked>, Error> {
    let store = workspace.store();
    let mut found: Vec<Tracked> = Vec::new();
    for file in workspace.data_files() {
        let Some(path) = lost(workspace, plan, file) else {
            continue;
        };
        let content = match file.as_str().ends_with(DATA_FILE_ENDING) {
            true => Some(workspace.data_file(file)?.1).filter(|content| store.has(content)),
            false => store.dvc_content(file, keep)?,
        };
        found.extend(content.map(|content| Tracked { path, content }));
    }
    Ok(found)
}

/// Whether data that planned stages need is not there, so that it may come back once a cache has it.
pub(crate) fn lacks_data(workspace: &Workspace, plan: &Plan) -> bool {
    let files = workspace.data_files().iter();
    files
        .filter_map(|file| lost(workspace, plan, file))
        .next()
        .is_some()
}

/// The data of a data file, if planned stages need it and it is not there.
fn lost(workspace: &Workspace, plan: &Plan, file: &ProjectPath) -> Option<ProjectPath> {
    let ours = file.as_str().strip_suffix(DATA_FILE_ENDING);
    let theirs = file.as_str().strip_suffix(DVC_FILE_ENDING);
    let path = ours.or(theirs).map(ProjectPath::new)?;
    let on_disk = path.on_disk(workspace.store().root());
    let is_there = on_disk.symlink_metadata().is_ok();
    (!is_there && !is_made(workspace, &path) && needs(workspace, plan, &path)).then_some(path)
}

/// Whether a stage makes it, something in it, or what it lies in: then it is the stage's, whatever the data file says.
fn is_made(workspace: &Workspace, path: &ProjectPath) -> bool {
    workspace.graph().makers(path).next().is_some()
}

fn needs(workspace: &Workspace, plan: &Plan, path: &ProjectPath) -> bool {
    let stages = plan.order.iter().map(|index| workspace.stage(*index));
    let mut deps = stages.flat_map(|stage| stage.deps.iter().map(|dep| &dep.path));
    deps.any(|dep| dep.is_within(path) || path.is_within(dep))
}

impl Workspace {
    /// The data under the control of hpipe, by path.
    ///
    /// # Errors
    /// [`Error::Store`] when a data file is none, or cannot be read.
    pub fn tracked(&self) -> Result<Vec<Tracked>, Error> {
        let ours = self.data_files().iter();
        let ours = ours.filter(|file| file.as_str().ends_with(DATA_FILE_ENDING));
        ours.map(|file| {
            let (path, content) = self.data_file(file)?;
            Ok(Tracked { path, content })
        })
        .collect()
    }

    /// What a data file says; one that is none is a fault with its line.
    fn data_file(&self, file: &ProjectPath) -> Result<(ProjectPath, Content), Error> {
        let read = self.store().read_data_file(file);
        read.map_err(|error| self.lock_fault(file, error))
    }

    /// Where data under control belongs, ours and DVC's, whatever the data files say of it.
    pub fn tracked_paths(&self) -> impl Iterator<Item = ProjectPath> + '_ {
        self.data_files().iter().filter_map(|file| {
            let name = file.as_str();
            let ours = name.strip_suffix(DATA_FILE_ENDING);
            let data = ours.or_else(|| name.strip_suffix(DVC_FILE_ENDING))?;
            Some(ProjectPath::new(data))
        })
    }

    /// The file of `dvc add` that tracks `path`, or a folder around it.
    pub(crate) fn tracked_by_dvc(&self, path: &ProjectPath) -> Option<&ProjectPath> {
        let tracks = |file: &&ProjectPath| {
            let data = file
                .as_str()
                .strip_suffix(DVC_FILE_ENDING)
                .map(ProjectPath::new);
            data.is_some_and(|data| path.is_within(&data))
        };
        self.data_files().iter().find(tracks)
    }
}
