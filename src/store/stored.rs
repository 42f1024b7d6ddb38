//! Says what is stored under a digest, for somebody who has nothing but that.
//!
//! Everywhere else a reference says whether it points to a file or a folder, and how large it is. Here the object itself
//! must tell: bytes that are a folder's node are a folder. Whether a file was executable is not told by its bytes.

use std::fs::{self, File};
use std::io::{self, Seek as _};
use std::os::unix::fs::FileExt;

use hpipe_core::{Content, ContentKind, Digest, ProjectPath};

use crate::disk::{self, Mode};
use crate::objects::ObjectId;
use crate::{Error, Store, file_hash, tree, tree_reader};

impl Store {
    /// What is stored under this digest: a folder when the bytes are those of a folder's node, else a file, which counts
    /// as not executable. None when the object is missing or turns out damaged (then also a warning).
    ///
    /// Reads the whole object. What a folder's entries point to is not looked at:
    /// [`restore`](Self::restore) names what is missing of it.
    ///
    /// # Errors
    /// [`Error::Read`] when the object is there but cannot be read.
    pub fn stored(&self, digest: &Digest) -> Result<Option<Content>, Error> {
        let path = self.objects().path(*digest);
        let size = match fs::symlink_metadata(&path) {
            Ok(found) if found.is_file() => found.len(),
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::read(&path)(error)),
        };
        let id = ObjectId {
            digest: *digest,
            size,
        };
        let Some(object) = self.objects().open(id)? else {
            return Ok(None);
        };
        if may_be_node(&object).map_err(Error::read(&path))? {
            let bytes = self.objects().read(id)?;
            return Ok(bytes.map(|bytes| {
                tree::content(*digest, &bytes)
                    .unwrap_or_else(|_| Content::file(*digest, size, false))
            }));
        }
        let found = file_hash::hash_file(&object, size, Self::pool).map_err(Error::read(&path))?;
        if found == *digest {
            return Ok(Some(Content::file(*digest, size, false)));
        }
        self.objects().put_aside(*digest);
        Ok(None)
    }
}

impl Store {
    /// The bytes of a stored file, verified; none when its object is missing or damaged (then also a warning), or when
    /// `content` is a folder's.
    ///
    /// # Errors
    /// [`Error::Read`] when the object is there but cannot be read.
    pub fn stored_bytes(&self, content: &Content) -> Result<Option<Vec<u8>>, Error> {
        match content.kind {
            ContentKind::File => self.objects().read(tree_reader::object_of(content)),
            ContentKind::Folder => Ok(None),
        }
    }

    /// Opens a stored file, verified; none when its object is missing or damaged (then also a warning), or when `content` is
    /// a folder's. Reads all of it, but keeps none of it in memory.
    ///
    /// # Errors
    /// [`Error::Read`] when the object is there but cannot be read.
    pub fn open_stored(&self, content: &Content) -> Result<Option<File>, Error> {
        if content.kind == ContentKind::Folder {
            return Ok(None);
        }
        let id = tree_reader::object_of(content);
        let Some(mut object) = self.objects().open(id)? else {
            return Ok(None);
        };
        let path = self.objects().path(id.digest);
        let found =
            file_hash::hash_file(&object, id.size, Self::pool).map_err(Error::read(&path))?;
        if found != id.digest {
            self.objects().put_aside(id.digest);
            return Ok(None);
        }
        object.rewind().map_err(Error::read(&path))?;
        Ok(Some(object))
    }

    /// Makes a new file at `path` of the project that is a stored file of the store `from`, with its executable bit; says
    /// whether that store has it.
    ///
    /// # Errors
    /// What reading that store or writing the project fails with; also when there is something at `path` already.
    pub fn copy_stored(
        &self,
        from: &Self,
        content: &Content,
        path: &ProjectPath,
    ) -> Result<bool, Error> {
        let Some(object) = from.open_stored(content)? else {
            return Ok(false);
        };
        self.create_parent(path)?;
        let target = path.on_disk(self.root());
        let mode = Mode::of_file(content.executable);
        let copy = disk::create_new(&target, mode).map_err(Error::write(&target))?;
        disk::copy(&object, &copy, content.size, true, Self::pool)
            .map_err(Error::write(&target))?;
        Ok(true)
    }

    /// The files of a stored folder and of all folders in it, by their paths from it, sorted within each folder; none
    /// when one of its nodes is missing or damaged.
    ///
    /// Whether the files' own objects are there is not looked at. A name that is not UTF-8 is shown as well as may be.
    ///
    /// # Errors
    /// [`Error::Read`] when a node is there but cannot be read.
    pub fn stored_files(&self, folder: &Content) -> Result<Option<Vec<(String, Content)>>, Error> {
        let Some(entries) = tree_reader::entries(self.objects(), folder)? else {
            return Ok(None);
        };
        let mut files = Vec::new();
        for entry in entries {
            let name = String::from_utf8_lossy(&entry.name).into_owned();
            if entry.content.kind == ContentKind::File {
                files.push((name, entry.content));
                continue;
            }
            let Some(below) = self.stored_files(&entry.content)? else {
                return Ok(None);
            };
            files.extend(
                below
                    .into_iter()
                    .map(|(path, content)| (format!("{name}/{path}"), content)),
            );
        }
        Ok(Some(files))
    }
}

/// Whether the object begins as a folder's node does, so that it is worth reading as one.
fn may_be_node(object: &File) -> io::Result<bool> {
    let mut head = [0; tree::MAGIC.len()];
    match object.read_exact_at(&mut head, 0) {
        Ok(()) => Ok(head == tree::MAGIC),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
