//! Data files, `NAME.hpipe`: what `hpipe add` knows of the data beside it. Format page: `docs/formats/data_file.md`.
//!
//! Meant for git in place of the data: a few lines that name its content by digest. The data lies beside, under the name
//! without the ending, so a folder can be moved.

use std::path::Path;

use hpipe_core::{Content, ProjectPath};
use serde::Deserialize;

use crate::lock_format::{WrittenPath, print_content, read_content};
use crate::yaml::{self, Fault, Writer};
use crate::{Error, Store, disk};

/// The schema this version reads and writes.
const SCHEMA: &str = "hpipe-data/1";

/// What stands above everything.
const COMMENT: &str = "Data under the control of hpipe. Keep this file in git; `hpipe checkout` brings the data back.";

/// What the name of a data file ends in.
pub const DATA_FILE_ENDING: &str = ".hpipe";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    schema: String,
    data: WrittenPath,
}

impl Store {
    /// Reads the data file at `path` and says where the data belongs and what it is.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::BadDataFile`] when it is not one, names another place, or is of a newer hpipe.
    pub fn read_data_file(&self, path: &ProjectPath) -> Result<(ProjectPath, Content), Error> {
        let on_disk = path.on_disk(self.root());
        let bytes = std::fs::read(&on_disk).map_err(Error::read(&on_disk))?;
        let (name, content) = parse(&bytes, &on_disk)?;
        let folder = path.parent().unwrap_or_else(ProjectPath::root);
        Ok((folder.join(&name), content))
    }

    /// Stores what lies at `path`, writes its data file, and says what it is; none when nothing lies there.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for the cache and what holds it; else those of [`commit`](Self::commit), and what writing the
    /// workspace fails with.
    pub fn track(&self, path: &ProjectPath) -> Result<Option<Content>, Error> {
        let _ = self.refuse_vital(path)?;
        let Some(content) = self.commit(path)? else {
            return Ok(None);
        };
        let gate = self.publishing()?;
        self.keep_through(&gate, std::iter::once((path, &content)))?;
        let cache = self.cache.path();
        disk::sync_file_system(cache).map_err(Error::write(cache))?; // bytes before references
        let file = ProjectPath::new(&format!("{path}{DATA_FILE_ENDING}"));
        self.write_file(&file, print(path.file_name(), &content).as_bytes())?;
        Ok(Some(content))
    }
}

fn print(name: &str, content: &Content) -> String {
    let mut writer = Writer::default();
    writer.comment(COMMENT);
    writer.text("schema", SCHEMA);
    writer.section("data", |writer| {
        writer.text("path", name);
        print_content(writer, content);
    });
    writer.finish()
}

fn parse(bytes: &[u8], path: &Path) -> Result<(String, Content), Error> {
    let bad = |line, message: String| Error::BadDataFile {
        path: path.to_path_buf(),
        line,
        message,
    };
    let text = std::str::from_utf8(bytes).map_err(|_| bad(1, "it is not UTF-8".to_owned()))?;
    let written: Written =
        yaml::parse(text).map_err(|Fault { line, message }| bad(line, message))?;
    if written.schema != SCHEMA {
        return Err(bad(1, format!("it does not declare `schema: {SCHEMA}`")));
    }
    let name = path.file_name().map(|name| name.to_string_lossy());
    let expected = name.as_deref().and_then(tracked_name);
    if expected != Some(&written.data.path) {
        return Err(bad(
            1,
            format!(
                "it is about `{}`, which its name does not say",
                written.data.path
            ),
        ));
    }
    let content = read_content(&written.data).map_err(|message| bad(1, message))?;
    Ok((written.data.path, content))
}

/// The name of the data that a data file called `name` is about.
fn tracked_name(name: &str) -> Option<&str> {
    let data = name.strip_suffix(DATA_FILE_ENDING)?;
    (!["", ".", ".."].contains(&data)).then_some(data)
}

#[cfg(test)]
mod tests {
    use hpipe_core::ContentKind;

    use super::*;
    use crate::file_hash::hash_bytes;

    fn folder() -> Content {
        Content {
            kind: ContentKind::Folder,
            object_size: 77,
            files: 2,
            ..Content::file(hash_bytes(b"node"), 12, false)
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for content in [
            Content::file(hash_bytes(b"x"), 1, false),
            Content::file(hash_bytes(b"x"), 1, true),
            folder(),
        ] {
            let text = print("a: b", &content);
            let read = parse(text.as_bytes(), Path::new("/p/a: b.hpipe"));
            assert_eq!(read.expect("a data file"), ("a: b".to_owned(), content));
        }
    }

    #[test]
    fn golden() {
        let digest = hash_bytes(b"node");
        assert_eq!(
            print("raw", &folder()),
            format!(
                "# {COMMENT}\nschema: hpipe-data/1\ndata:\n  path: raw\n  digest: {digest}\n  size: 12\n  files: 2\n  node: 77\n"
            )
        );
    }

    #[test]
    fn what_is_none_is_refused() {
        let good = print("a", &folder());
        for (text, name, told) in [
            (good.replace("/1", "/2"), "a.hpipe", "does not declare"),
            (good.clone(), "b.hpipe", "its name does not say"),
            (
                good.replace("  node: 77\n", ""),
                "a.hpipe",
                "`files` and `node`",
            ),
            (
                good.replace("path: a", "path: \"..\""),
                "...hpipe",
                "its name does not say",
            ),
            (good[..good.len() / 2].to_owned(), "a.hpipe", ""),
            (String::new(), "a.hpipe", ""),
        ] {
            match parse(text.as_bytes(), Path::new(name)) {
                Err(Error::BadDataFile { message, .. }) => {
                    assert!(message.contains(told), "{message}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
