//! Files that stages write and read back: JSON with a header that says what it is and of which version.
//!
//! Floats are written as the shortest text that reads back to the same bits. The format is
//! `docs/formats/transform.md`; a file that is cut short, of another kind or of a newer version is told as such.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use hpipe_core::PortPath;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A type that has a file format of its own.
pub(crate) trait Artifact: Serialize + DeserializeOwned {
    /// The word in the header.
    const FORMAT: &'static str;
    /// Raised when an older hpipe could not read what is written.
    const VERSION: u32;
    /// What messages call it: `a model`.
    const WHAT: &'static str;
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    format: String,
    version: u32,
    content: T,
}

#[derive(Deserialize)]
struct Header {
    format: String,
    version: u64,
}

/// Writes `content` under its header.
///
/// # Errors
/// [`Error::WriteFile`].
pub(crate) fn write<T: Artifact>(path: &Path, content: &T) -> Result<(), Error> {
    let envelope = Envelope {
        format: T::FORMAT.to_owned(),
        version: T::VERSION,
        content,
    };
    write_json(path, &envelope)
}

/// Reads what [`write`] wrote.
///
/// # Errors
/// [`Error::ReadFile`]; [`Error::NotAnArtifact`] when it is something else or cut short; [`Error::ArtifactVersion`].
pub(crate) fn read<T: Artifact>(port: &PortPath) -> Result<T, Error> {
    parse(&read_bytes(port)?, port.declared.as_str())
}

/// The bytes of a file.
///
/// # Errors
/// [`Error::ReadFile`].
pub(crate) fn read_bytes(port: &PortPath) -> Result<Vec<u8>, Error> {
    std::fs::read(&port.path).map_err(|source| Error::ReadFile {
        path: port.declared.to_string(),
        source,
    })
}

/// What [`write`] wrote, in the bytes of a file that errors call `path`.
///
/// # Errors
/// As [`read`], but for the reading.
pub(crate) fn parse<T: Artifact>(text: &[u8], path: &str) -> Result<T, Error> {
    let refuse = |reason: String| Error::NotAnArtifact {
        path: path.to_owned(),
        what: T::WHAT,
        reason,
    };
    let header: Header = serde_json::from_slice(text).map_err(|error| refuse(error.to_string()))?;
    if header.format != T::FORMAT {
        return Err(refuse(format!("it says it is `{}`", header.format)));
    }
    if header.version != u64::from(T::VERSION) {
        return Err(Error::ArtifactVersion {
            path: path.to_owned(),
            what: T::WHAT,
            found: header.version,
            known: T::VERSION,
        });
    }
    let envelope: Envelope<T> =
        serde_json::from_slice(text).map_err(|error| refuse(error.to_string()))?;
    Ok(envelope.content)
}

/// Writes a value as indented JSON with a line break at its end.
///
/// # Errors
/// [`Error::WriteFile`].
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let failed = |source| Error::WriteFile {
        path: path.to_owned(),
        source,
    };
    let mut text = serde_json::to_string_pretty(value).map_err(|error| failed(error.into()))?;
    text.push('\n');
    write_text(path, &text)
}

/// Writes a text.
///
/// # Errors
/// [`Error::WriteFile`].
pub(crate) fn write_text(path: &Path, text: &str) -> Result<(), Error> {
    write_bytes(path, text.as_bytes())
}

/// Writes bytes.
///
/// # Errors
/// [`Error::WriteFile`].
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    File::create(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|source| Error::WriteFile {
            path: path.to_owned(),
            source,
        })
}

/// Reads the golden bytes of a format and writes them again: a reader that has changed, or a writer, is noticed.
#[cfg(test)]
pub(crate) fn assert_golden<T: Artifact>(golden: &str) {
    let content: T = parse(golden.as_bytes(), "golden").expect("readable");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("written");
    write(&path, &content).expect("written");
    assert_eq!(std::fs::read_to_string(path).expect("text"), golden);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Numbers(Vec<f64>);

    impl Artifact for Numbers {
        const FORMAT: &'static str = "hpipe-numbers";
        const VERSION: u32 = 2;
        const WHAT: &'static str = "a list of numbers";
    }

    fn read_text(text: &str) -> Result<Numbers, String> {
        parse(text.as_bytes(), "n.json").map_err(|error| error.to_string())
    }

    #[test]
    fn floats_come_back_bit_for_bit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("n.json");
        let awkward = [
            0.1,
            -0.0,
            1.0 / 3.0,
            f64::MIN_POSITIVE,
            f64::MAX,
            5e-324,
            9.007_199_254_740_993e15,
        ];
        write(&path, &Numbers(awkward.to_vec())).expect("written");
        let read = read_text(&std::fs::read_to_string(&path).expect("text")).expect("read");
        let bits = |numbers: &[f64]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read.0), bits(&awkward));
    }

    #[test]
    fn other_files_are_told_apart() {
        let check = |text, expect| assert_eq!(read_text(text).expect_err(text), expect);
        check(
            r#"{"format": "hpipe-numbers", "version": 3, "content": []}"#,
            "n.json is a list of numbers of version 3, and this hpipe reads version 2",
        );
        check(
            r#"{"format": "hpipe-model", "version": 1}"#,
            "n.json is not a list of numbers: it says it is `hpipe-model`",
        );
        check(
            r#"{"format": "hpipe-numbers", "version": 2, "content": [1, "#,
            "n.json is not a list of numbers: EOF while parsing a value at line 1 column 57",
        );
        check(
            "",
            "n.json is not a list of numbers: EOF while parsing a value at line 1 column 0",
        );
    }
}
