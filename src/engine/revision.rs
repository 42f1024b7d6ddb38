//! The project as it is or was: its pipeline and files in the workspace or at a git revision.
//!
//! A file of a commit is either tracked by git, or an out that the commit's lock file records; then its bytes are an
//! object of the cache. An out that is gone from the cache but lies unchanged in the workspace is read from there.
//! Serves whatever compares times: metrics, plots, params.
//!
//! Only reads: no file of the workspace is touched, nothing is checked out. Does not know what files mean.

mod past;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use hpipe_core::{Content, ContentKind, Digest, ProjectPath};
use hpipe_spec::Pipeline;

use crate::git::{Git, Tracked};
use crate::{Error, Workspace};

/// What the workspace is called where a revision may be named, as in DVC.
pub const WORKSPACE: &str = "workspace";

/// How many folders deep files of the workspace are looked for.
const DEPTH_LIMIT: usize = 64;

/// The project at one time: now, or at a commit.
pub struct Snapshot<'w> {
    workspace: &'w Workspace,
    name: String,
    /// None for the workspace.
    past: Option<Past>,
}

/// What is known of a commit.
struct Past {
    git: Git,
    commit: String,
    pipeline: Option<Pipeline>,
    /// Outs that the commit's lock file records, by path.
    outs: BTreeMap<ProjectPath, Recorded>,
    warnings: Vec<String>,
    /// Files of folders met so far: listing a folder of a thousand files once is enough.
    folders: RefCell<BTreeMap<ProjectPath, Option<Listing>>>,
}

/// The files of a folder that is an out.
type Listing = Rc<BTreeMap<ProjectPath, Recorded>>;

/// What a lock file says of an out, or of a file in one.
#[derive(Clone, Copy)]
struct Recorded {
    content: Content,
    cached: bool,
}

/// What lies at a path of a [`Snapshot`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A file's bytes.
    File(Vec<u8>),
    /// A folder: the files in it and in all its folders, sorted.
    Folder(Vec<ProjectPath>),
    /// Nothing, as far as anything tells.
    Absent,
    /// It was an out, but git does not track it, and the cache does not have its object.
    Lost {
        /// Of its content.
        digest: Digest,
        /// Whether it was to be kept in the cache.
        cached: bool,
    },
}

impl<'w> Snapshot<'w> {
    /// The project as it is.
    pub fn now(workspace: &'w Workspace) -> Self {
        Self {
            workspace,
            name: WORKSPACE.to_owned(),
            past: None,
        }
    }

    /// The project at `revision`: whatever git takes for a commit, or [`WORKSPACE`].
    ///
    /// A commit without a pipeline file has no [`pipeline`](Self::pipeline); one whose pipeline or lock file cannot be
    /// read has none either, and a [warning](Self::warnings).
    ///
    /// # Errors
    /// [`Error::Git`] when there is no git, no repository or no such revision.
    pub fn at(workspace: &'w Workspace, revision: &str) -> Result<Self, Error> {
        if revision == WORKSPACE {
            return Ok(Self::now(workspace));
        }
        let git = Git::around(&workspace.location().root)?;
        let commit = git.commit(revision)?;
        Ok(Self {
            workspace,
            name: revision.to_owned(),
            past: Some(Past::read(workspace, revision, git, commit)?),
        })
    }

    /// What the user calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The hash of its commit; none for the workspace.
    pub fn commit(&self) -> Option<&str> {
        self.past.as_ref().map(|past| past.commit.as_str())
    }

    /// The pipeline as it was; none when there was none, or none that can be read.
    pub fn pipeline(&self) -> Option<&Pipeline> {
        match &self.past {
            Some(past) => past.pipeline.as_ref(),
            None => Some(self.workspace.pipeline()),
        }
    }

    /// What is odd about it: lowercase fragments to print as warnings.
    pub fn warnings(&self) -> &[String] {
        self.past.as_ref().map_or(&[], |past| &past.warnings)
    }

    /// What lies at a path.
    ///
    /// In a commit git is asked first, then the outs of the lock file. A file of more bytes than memory cannot be read.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Store`] and [`Error::Git`] when the machine refuses.
    pub fn find(&self, path: &ProjectPath) -> Result<Found, Error> {
        let Some(past) = &self.past else {
            return self.on_disk(path);
        };
        match past.git.at(&past.commit, path)? {
            Some(Tracked::File(bytes)) => Ok(Found::File(bytes)),
            Some(Tracked::Folder) => {
                let tracked = past.git.files(&past.commit, path)?;
                self.folder(past, path, tracked)
            }
            None => self.recorded(past, path),
        }
    }

    fn on_disk(&self, path: &ProjectPath) -> Result<Found, Error> {
        let on_disk = path.on_disk(&self.workspace.location().root);
        if on_disk.is_dir() {
            let mut files = Vec::new();
            list(&on_disk, path, DEPTH_LIMIT, &mut files)?;
            files.sort();
            return Ok(Found::Folder(files));
        }
        match std::fs::read(&on_disk) {
            Ok(bytes) => Ok(Found::File(bytes)),
            Err(error) if is_absent(&error) => Ok(Found::Absent),
            Err(source) => Err(unreadable(on_disk)(source)),
        }
    }

    /// A folder that holds these files, and outs.
    fn folder(
        &self,
        past: &Past,
        folder: &ProjectPath,
        mut files: Vec<ProjectPath>,
    ) -> Result<Found, Error> {
        for (out, recorded) in past.outs.iter().filter(|(out, _)| out.is_within(folder)) {
            match recorded.content.kind {
                ContentKind::File => files.push(out.clone()),
                ContentKind::Folder => {
                    let below = self.files_of(past, out, recorded)?;
                    files.extend(below.iter().flat_map(|files| files.keys()).cloned());
                }
            }
        }
        files.sort();
        files.dedup();
        Ok(Found::Folder(files))
    }

    /// An out, or what lies in one, or a folder that holds outs.
    fn recorded(&self, past: &Past, path: &ProjectPath) -> Result<Found, Error> {
        let mut outs = past.outs.iter();
        match outs.find(|(out, _)| path.is_within(out)) {
            Some((_, recorded)) if recorded.content.kind == ContentKind::File => {
                self.stored(path, recorded)
            }
            Some((out, recorded)) => self.within(past, path, out, recorded),
            None if past.outs.keys().any(|out| out.is_within(path)) => {
                self.folder(past, path, Vec::new())
            }
            None => Ok(Found::Absent),
        }
    }

    /// A file or folder of a folder that is an out.
    fn within(
        &self,
        past: &Past,
        path: &ProjectPath,
        out: &ProjectPath,
        recorded: &Recorded,
    ) -> Result<Found, Error> {
        let Some(files) = self.files_of(past, out, recorded)? else {
            let unchanged = self.lies_there(out, &recorded.content)?;
            return if unchanged {
                self.on_disk(path)
            } else {
                Ok(recorded.lost())
            };
        };
        if let Some(recorded) = files.get(path) {
            return self.stored(path, recorded);
        }
        let below: Vec<_> = files
            .keys()
            .filter(|file| file.is_within(path))
            .cloned()
            .collect();
        Ok(match below.is_empty() && path != out {
            true => Found::Absent,
            false => Found::Folder(below),
        })
    }

    /// The bytes of an object; of the workspace's file if that is the same.
    fn stored(&self, path: &ProjectPath, recorded: &Recorded) -> Result<Found, Error> {
        if let Some(bytes) = self.workspace.store().stored_bytes(&recorded.content)? {
            return Ok(Found::File(bytes));
        }
        match self.lies_there(path, &recorded.content)? {
            true => self.on_disk(path),
            false => Ok(recorded.lost()),
        }
    }

    /// Whether the workspace has this content at the path.
    fn lies_there(&self, path: &ProjectPath, content: &Content) -> Result<bool, Error> {
        let now = self.workspace.store().content(path)?;
        Ok(now.is_some_and(|now| now.same_bytes(content)))
    }

    /// The files of a folder that is an out; none when its nodes are gone from the cache.
    fn files_of(
        &self,
        past: &Past,
        out: &ProjectPath,
        recorded: &Recorded,
    ) -> Result<Option<Listing>, Error> {
        if let Some(known) = past.folders.borrow().get(out) {
            return Ok(known.clone());
        }
        let files = self.workspace.store().stored_files(&recorded.content)?;
        let cached = recorded.cached;
        let listing = files.map(|files| {
            let files = files.into_iter();
            let files =
                files.map(|(path, content)| (out.join(&path), Recorded { content, cached }));
            Rc::new(files.collect::<BTreeMap<_, _>>())
        });
        past.folders
            .borrow_mut()
            .insert(out.clone(), listing.clone());
        Ok(listing)
    }
}

impl Recorded {
    fn lost(&self) -> Found {
        Found::Lost {
            digest: self.content.digest,
            cached: self.cached,
        }
    }
}

/// Adds the files of a folder on disk and of its folders; links to folders are not followed.
fn list(
    on_disk: &std::path::Path,
    path: &ProjectPath,
    depth: usize,
    files: &mut Vec<ProjectPath>,
) -> Result<(), Error> {
    let unreadable = || unreadable(on_disk.to_owned());
    for entry in std::fs::read_dir(on_disk).map_err(unreadable())? {
        let entry = entry.map_err(unreadable())?;
        let path = path.join(&entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(unreadable())?;
        if !kind.is_dir() {
            files.push(path);
        } else if depth > 0 {
            list(&entry.path(), &path, depth - 1, files)?;
        }
    }
    Ok(())
}

fn unreadable(path: PathBuf) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Read { path, source }
}

/// Also a path that leads through a file.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
