//! Reads what `dvc add` keeps of data that is gone: the `.dvc` file beside it, and DVC's own cache. Never writes there.
//!
//! DVC names content by md5: a file's bytes lie in `.dvc/cache/files/md5/ab/cdef…` (before DVC 3 in `.dvc/cache/ab/cdef…`),
//! and a folder is a JSON list of its files under a name that ends in `.dir`. Every byte is compared with its md5 while it
//! is stored as an object of ours; from there it is restored like any content. DVC before 3 took the md5 of text with its
//! line ends made `\n`; where that is another one, the object counts as missing here.
//!
//! Does not know DVC's remotes, nor a cache that `.dvc/config` puts elsewhere: `dvc pull` and `dvc checkout` do.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use hpipe_core::{Content, Digest, ProjectPath};
use md5::{Digest as _, Md5};
use serde::Deserialize;

use crate::disk::{self, Mode};
use crate::objects::ObjectId;
use crate::tree::{self, Entry};
use crate::{Error, Store, yaml};

/// What the name of DVC's file beside the data ends in.
pub const DVC_FILE_ENDING: &str = ".dvc";

/// What the hash of a folder ends in.
const FOLDER: &str = ".dir";

/// Where a cache has its objects, the newest form first.
const PLACES: [&str; 2] = [".dvc/cache/files/md5", ".dvc/cache"];

/// Bytes read at once.
const PART: usize = 256 * 1024;

/// A `.dvc` file, as far as it says what the data is.
#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    outs: Vec<WrittenOut>,
    wdir: Option<String>,
}

#[derive(Deserialize)]
struct WrittenOut {
    path: String,
    md5: Option<String>,
    #[serde(default)]
    isexec: bool,
}

/// A file of a folder, as the folder's object lists it.
#[derive(Deserialize)]
struct Listed {
    md5: String,
    relpath: String,
}

/// A folder in the making.
#[derive(Default)]
struct Folder(BTreeMap<Vec<u8>, Part>);

enum Part {
    File(Content),
    Folder(Folder),
}

impl Store {
    /// What the file `NAME.dvc` at `file` says of the data `NAME` beside it, if DVC's cache has that data whole; with
    /// `keep`, it is then in our cache too.
    ///
    /// # Errors
    /// [`Error::Read`], or what writing our cache fails with.
    pub fn dvc_content(&self, file: &ProjectPath, keep: bool) -> Result<Option<Content>, Error> {
        let on_disk = file.on_disk(self.root());
        let bytes = std::fs::read(&on_disk).map_err(Error::read(&on_disk))?;
        let text = String::from_utf8_lossy(&bytes);
        let Ok(written) = yaml::parse::<Written>(&text) else {
            return Ok(None); // DVC tells what is wrong with it
        };
        let name = file.file_name().strip_suffix(DVC_FILE_ENDING);
        let is_it = |out: &&WrittenOut| name == Some(&out.path) && written.wdir.is_none();
        let Some(out) = written.outs.iter().find(is_it) else {
            return Ok(None);
        };
        let Some(hash) = &out.md5 else {
            return Ok(None);
        };
        match hash.strip_suffix(FOLDER) {
            Some(_) => self.dvc_folder(hash, keep),
            None => self.dvc_file(hash, out.isexec, keep),
        }
    }

    fn dvc_folder(&self, hash: &str, keep: bool) -> Result<Option<Content>, Error> {
        let Some((mut list, path)) = self.dvc_object(hash)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        list.read_to_end(&mut bytes).map_err(Error::read(&path))?;
        let listed = serde_json::from_slice::<Vec<Listed>>(&bytes);
        let (true, Ok(listed)) = (is_named(hash, Md5::digest(&bytes).as_slice()), listed) else {
            self.dvc_damaged(&path);
            return Ok(None);
        };
        let mut folder = Folder::default();
        for one in listed {
            let Some(content) = self.dvc_file(&one.md5, false, keep)? else {
                return Ok(None);
            };
            if !folder.put(&one.relpath, content) {
                self.dvc_damaged(&path);
                return Ok(None);
            }
        }
        folder.content(self, keep).map(Some)
    }

    fn dvc_file(&self, hash: &str, executable: bool, keep: bool) -> Result<Option<Content>, Error> {
        let Some((file, path)) = self.dvc_object(hash)? else {
            return Ok(None);
        };
        let found = match keep {
            true => self.dvc_stored(&file, hash, &path)?,
            false => pass(&file, &path, hash, |_| Ok(()))?,
        };
        if found.is_none() {
            self.dvc_damaged(&path);
        }
        Ok(found.map(|id| Content::file(id.digest, id.size, executable)))
    }

    /// Stores the bytes as an object of ours, unless their md5 is not `hash`.
    fn dvc_stored(&self, file: &File, hash: &str, path: &Path) -> Result<Option<ObjectId>, Error> {
        let temporary = self.cache.temporary()?;
        let copy = temporary.create(Mode::ReadOnly)?;
        let copied = pass(file, path, hash, |bytes| {
            disk::write(&copy, bytes).map_err(Error::write(temporary.path()))
        })?;
        if let Some(id) = copied
            && !self.objects().has(id)
        {
            self.objects().put_file(id, temporary)?;
        }
        Ok(copied)
    }

    /// Opens an object of DVC's cache.
    fn dvc_object(&self, hash: &str) -> Result<Option<(File, PathBuf)>, Error> {
        let digits = hash.strip_suffix(FOLDER).unwrap_or(hash);
        if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None); // some other hash
        }
        for place in PLACES {
            let path = self.root().join(place).join(&hash[..2]).join(&hash[2..]);
            match File::open(&path) {
                Ok(file) => return Ok(Some((file, path))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::read(&path)(error)),
            }
        }
        Ok(None)
    }

    fn dvc_damaged(&self, path: &Path) {
        self.objects().warnings.add(format!(
            "{} of DVC's cache is not what its name says; it counts as missing",
            path.display()
        ));
    }
}

/// Reads the file to its end and hands over its bytes; none when their md5 is not `hash`.
fn pass(
    mut file: &File,
    path: &Path,
    hash: &str,
    mut take: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<Option<ObjectId>, Error> {
    let (mut theirs, mut ours, mut size) = (Md5::new(), blake3::Hasher::new(), 0);
    let mut buffer = vec![0; PART];
    loop {
        let length = match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(Error::read(path))?,
        };
        if length == 0 {
            break;
        }
        let bytes = &buffer[..length];
        theirs.update(bytes);
        ours.update(bytes);
        take(bytes)?;
        size += length as u64;
    }
    let digest = Digest::blake3(*ours.finalize().as_bytes());
    Ok(is_named(hash, theirs.finalize().as_slice()).then_some(ObjectId { digest, size }))
}

/// Whether `hash` is this md5, written in hexadecimal.
fn is_named(hash: &str, md5: &[u8]) -> bool {
    let digits: Vec<String> = md5.iter().map(|byte| format!("{byte:02x}")).collect();
    hash.strip_suffix(FOLDER)
        .unwrap_or(hash)
        .eq_ignore_ascii_case(&digits.concat())
}

impl Folder {
    /// Puts a file at a path below; false for a path that leads nowhere below, or where something is already.
    fn put(&mut self, path: &str, content: Content) -> bool {
        let (name, rest) = match path.split_once('/') {
            Some((name, rest)) => (name, Some(rest)),
            None => (path, None),
        };
        if ["", ".", ".."].contains(&name) || name.contains('\0') {
            return false;
        }
        let Some(rest) = rest else {
            let before = self.0.insert(name.into(), Part::File(content));
            return before.is_none();
        };
        let part = self.0.entry(name.into());
        match part.or_insert_with(|| Part::Folder(Self::default())) {
            Part::Folder(folder) => folder.put(rest, content),
            Part::File(_) => false,
        }
    }

    /// What the folder is; with `keep`, its nodes are stored.
    fn content(self, store: &Store, keep: bool) -> Result<Content, Error> {
        let mut entries = Vec::with_capacity(self.0.len());
        for (name, part) in self.0 {
            let content = match part {
                Part::File(content) => content,
                Part::Folder(folder) => folder.content(store, keep)?,
            };
            entries.push(Entry { name, content });
        }
        tree::build(entries, &mut |digest, bytes| match keep {
            true => {
                let size = bytes.len() as u64;
                store.objects().put_bytes(ObjectId { digest, size }, &bytes)
            }
            false => Ok(()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file_hash::hash_bytes;

    fn file() -> Content {
        Content::file(hash_bytes(b"x"), 1, false)
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for path in [
            "", "..", "a/../b", "/a", "a//b", "./a", "a/", "b", "b/c", "d",
        ] {
            let mut folder = Folder::default();
            assert!(folder.put("b", file()) && folder.put("d/e", file()));
            assert!(!folder.put(path, file()), "{path}");
        }
    }

    #[test]
    fn the_md5_of_the_standard() {
        // RFC 1321, appendix A.5
        let hash = "900150983cd24fb0d6963f7d28e17f72";
        assert!(is_named(hash, Md5::digest(b"abc").as_slice()));
        assert!(is_named(
            &format!("{hash}.dir"),
            Md5::digest(b"abc").as_slice()
        ));
        assert!(!is_named(hash, Md5::digest(b"abd").as_slice()));
    }
}
