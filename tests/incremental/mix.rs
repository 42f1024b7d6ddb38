//! The stage of the fast sequences: what a shell command of the slow ones does, in this process.
//!
//! Its outs are a function of the names and bytes of its deps, of params and of a salt; where a file `fail` lies in the
//! project, it writes half an out and fails.

#![allow(clippy::disallowed_methods, reason = "a stage writes its outs itself")]

use std::fs;
use std::path::{Path, PathBuf};

use hpipe_core::{
    Arity, Direction, Execution, OptionFault, Port, PortPath, Stage, StageError, Value,
};

/// The file that makes a stage fail: the one whose first out it names.
pub(crate) const FAIL: &str = "fail";

/// Sums up its deps and params in its outs.
pub(crate) struct Mix;

impl Stage for Mix {
    fn name(&self) -> &'static str {
        "mix"
    }

    fn version(&self) -> u32 {
        1
    }

    fn summary(&self) -> &'static str {
        "sums up its deps and params"
    }

    fn ports(&self) -> &'static [Port] {
        const fn port(role: &'static str, direction: Direction, arity: Arity) -> Port {
            Port {
                role,
                direction,
                arity,
                doc: "anything",
            }
        }
        const PORTS: [Port; 2] = [
            port("in", Direction::Dep, Arity::Any),
            port("out", Direction::Out, Arity::Any),
        ];
        &PORTS
    }

    fn check(&self, _with: &Value) -> Result<(), Vec<OptionFault>> {
        Ok(())
    }

    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError> {
        let failed = |error: std::io::Error| StageError::caused("mix", error);
        let options = Options::of(execution.with);
        let root = execution.outs.first().map(root_of).unwrap_or_default();
        let mut seen = Vec::new();
        for dep in execution.deps("in") {
            look(&dep.path, &mut seen).map_err(failed)?;
        }
        let params = fs::read_to_string(root.join("params.yaml")).map_err(failed)?;
        for line in params.lines() {
            if options
                .reads
                .iter()
                .any(|name| line.starts_with(&format!("{name}:")))
            {
                seen.extend(line.bytes());
            }
        }
        let mut sum = seen.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
            (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        if options.coarse {
            sum = (sum >> 32) % 2;
        }
        let first = execution.outs.first().map(|out| out.declared.to_string());
        let fails = fs::read_to_string(root.join(FAIL)).is_ok_and(|name| Some(name) == first);
        for out in execution.outs {
            let is_folder = options
                .folders
                .iter()
                .any(|path| *path == out.declared.as_str());
            let line = format!("{sum:x} {} {}\n", options.salt, out.declared);
            make(&out.path, is_folder, &line, fails).map_err(failed)?;
            if fails {
                return Err(StageError::new("as the test wants it"));
            }
        }
        Ok(())
    }
}

/// The options of `with:`.
#[derive(Default)]
struct Options<'a> {
    salt: i128,
    coarse: bool,
    reads: Vec<&'a str>,
    folders: Vec<&'a str>,
}

impl<'a> Options<'a> {
    fn of(with: &'a Value) -> Self {
        let Value::Map(with) = with else {
            return Self::default();
        };
        let texts = |key: &str| match with.get(key) {
            Some(Value::List(items)) => items.iter().filter_map(text).collect(),
            _ => Vec::new(),
        };
        Self {
            salt: match with.get("salt") {
                Some(Value::Int(salt)) => *salt,
                _ => 0,
            },
            coarse: matches!(with.get("coarse"), Some(Value::Bool(true))),
            reads: texts("reads"),
            folders: texts("folders"),
        }
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// The project's root, from an out's two spellings.
fn root_of(out: &PortPath) -> PathBuf {
    let depth = out.declared.as_str().split('/').count();
    let above = out.path.ancestors().nth(depth);
    above.map(Path::to_owned).unwrap_or_default()
}

/// Takes in the names and bytes of all files below a path, and which of them are executable.
fn look(path: &Path, seen: &mut Vec<u8>) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let found = fs::metadata(path)?;
    if found.is_dir() {
        let listed: Result<Vec<_>, _> = fs::read_dir(path)?.collect();
        let mut names: Vec<_> = listed?.iter().map(fs::DirEntry::file_name).collect();
        names.sort();
        for name in names {
            seen.push(b'/');
            seen.extend(name.as_encoded_bytes());
            look(&path.join(name), seen)?;
        }
        seen.push(b'.');
    } else {
        seen.push(if found.permissions().mode() & 0o100 == 0 {
            b'-'
        } else {
            b'x'
        });
        seen.extend(fs::read(path)?);
    }
    Ok(())
}

/// Writes an out; half of it if that is all there shall be. A folder holds a file more for odd sums.
fn make(path: &Path, is_folder: bool, line: &str, half: bool) -> std::io::Result<()> {
    if !is_folder {
        return fs::write(path, if half { "half" } else { line });
    }
    fs::create_dir_all(path.join("n"))?;
    fs::write(path.join("a"), line)?;
    if half {
        return Ok(());
    }
    fs::write(path.join("n/c"), "c\n")?;
    if line
        .split(' ')
        .next()
        .is_some_and(|sum| sum.ends_with(['1', '3', '5', '7', '9']))
    {
        fs::write(path.join("odd"), "odd\n")?;
    }
    Ok(())
}
