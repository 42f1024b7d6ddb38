//! Keeps the house in order: who may know whom, headers, format pages, error codes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};
use hpipe_core::Code;

/// Which of our crates a crate may use, as in ARCHITECTURE.md: a new arrow is a decision somebody takes.
const ARROWS: &[(&str, &[&str])] = &[
    ("hpipe", &["hpipe-cli", "hpipe-core", "hpipe-stages"]),
    (
        "hpipe-cli",
        &[
            "hpipe-core",
            "hpipe-engine",
            "hpipe-forward",
            "hpipe-monitor",
            "hpipe-plot",
            "hpipe-serve",
            "hpipe-server",
            "hpipe-spec",
            "hpipe-store",
            "hpipe-track",
            "hpipe-tune",
        ],
    ),
    ("hpipe-core", &[]),
    ("hpipe-engine", &["hpipe-core", "hpipe-spec", "hpipe-store"]),
    ("hpipe-forward", &["hpipe-core", "hpipe-track"]),
    ("hpipe-learn", &[]),
    ("hpipe-monitor", &["hpipe-core", "hpipe-plot"]),
    ("hpipe-plot", &[]),
    ("hpipe-serve", &["hpipe-core", "hpipe-track"]),
    ("hpipe-server", &["hpipe-core", "hpipe-track"]),
    ("hpipe-spec", &["hpipe-core"]),
    (
        "hpipe-stages",
        &[
            "hpipe-core",
            "hpipe-learn",
            "hpipe-monitor",
            "hpipe-plot",
            "hpipe-tune",
        ],
    ),
    ("hpipe-store", &["hpipe-core"]),
    ("hpipe-track", &["hpipe-core", "hpipe-spec", "hpipe-store"]),
    ("hpipe-tune", &["hpipe-core"]),
];

/// Crates that must not come anywhere near a room, not even through others.
const FOREIGN: &[(&str, &[&str])] = &[
    (
        "hpipe-core",
        &["serde_json", "serde-saphyr", "blake3", "polars", "rayon"],
    ),
    ("hpipe-spec", &["blake3", "polars", "rustix", "notify"]),
    ("hpipe-plot", &["polars", "ndarray", "rayon", "image"]),
    ("hpipe-store", &["polars", "notify", "petgraph"]),
    ("hpipe-engine", &["polars", "clap", "indicatif", "linfa"]),
    ("hpipe-cli", &["polars", "linfa"]),
    ("hpipe-learn", &["polars", "ureq"]),
    (
        "hpipe-monitor",
        &["polars", "linfa", "serde_json", "rustix"],
    ),
    ("hpipe-track", &["polars", "tokio", "axum"]),
    ("hpipe-serve", &["polars", "clap", "ureq", "petgraph"]),
    ("hpipe-server", &["polars", "clap", "rustls"]),
    ("hpipe-forward", &["polars", "clap", "axum"]),
    ("hpipe-tune", &["polars", "rayon", "rustix", "serde_json"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
}

/// Every file below `folder` whose name ends like this, sorted.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("list {}: {error}", folder.display()))
        {
            let path = entry.expect("list").path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<PathBuf> {
    ["src", "stages", "tests"]
        .iter()
        .flat_map(|folder| files(&root().join(folder), ".rs"))
        .collect()
}

/// What cargo knows of the workspace on this platform: crates of others need not be on the machine.
fn metadata() -> cargo_metadata::Metadata {
    let version = std::process::Command::new("rustc")
        .arg("-vV")
        .output()
        .expect("rustc");
    let version = String::from_utf8(version.stdout).expect("a text");
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("a host");
    let options = ["--locked", "--offline", "--filter-platform", host];
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(options.map(str::to_owned))
        .exec()
        .expect("cargo metadata")
}

#[test]
fn arrows_are_as_drawn() {
    let metadata = metadata();
    let ours: BTreeSet<_> = metadata
        .workspace_packages()
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let found: BTreeMap<_, Vec<_>> = metadata
        .workspace_packages()
        .iter()
        .map(|package| {
            let normal = package
                .dependencies
                .iter()
                .filter(|dep| dep.kind == DependencyKind::Normal);
            let mut uses: Vec<_> = normal
                .map(|dep| dep.name.clone())
                .filter(|name| ours.contains(name))
                .collect();
            uses.sort();
            (package.name.to_string(), uses)
        })
        .collect();
    let drawn: BTreeMap<_, Vec<_>> = ARROWS
        .iter()
        .map(|(room, uses)| {
            (
                (*room).to_owned(),
                uses.iter().map(|room| (*room).to_owned()).collect(),
            )
        })
        .collect();
    assert_eq!(
        found, drawn,
        "an arrow changed; change ARCHITECTURE.md and this table with it, and say why"
    );
}

#[test]
fn rooms_stay_free_of_foreign_crates() {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().expect("resolved");
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    for (room, foreign) in FOREIGN {
        let package = metadata
            .packages
            .iter()
            .find(|package| package.name == *room)
            .expect("a room of ours");
        let (mut open, mut seen) = (vec![&package.id], BTreeSet::new());
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                let normal = |dep: &&cargo_metadata::NodeDep| {
                    dep.dep_kinds
                        .iter()
                        .any(|kind| kind.kind == DependencyKind::Normal)
                };
                open.extend(nodes[id].deps.iter().filter(normal).map(|dep| &dep.pkg));
            }
        }
        let met: Vec<_> = seen
            .iter()
            .map(|id| metadata[id].name.as_str())
            .filter(|n| foreign.contains(n))
            .collect();
        assert!(met.is_empty(), "{room} must not know {met:?}");
    }
}

#[test]
fn every_file_begins_with_a_header() {
    let bare: Vec<_> = sources()
        .into_iter()
        .filter(|path| !read(path).starts_with("//! "))
        .collect();
    assert!(bare.is_empty(), "without a header: {bare:?}");
}

#[test]
fn every_format_has_a_page_and_every_page_a_format() {
    let pages: BTreeSet<_> = files(&root().join("docs/formats"), ".md")
        .iter()
        .map(|path| {
            path.file_name()
                .expect("a file")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let named: BTreeSet<_> = sources()
        .iter()
        .filter(|path| !path.ends_with("tidy.rs"))
        .flat_map(|path| {
            let text = read(path);
            let mentions = text.split("docs/formats/").skip(1);
            let names = mentions
                .filter_map(|rest| rest.split_once(".md").map(|(name, _)| format!("{name}.md")));
            names
                .filter(|name| !name.contains(char::is_whitespace))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(
        named, pages,
        "left: pages that sources name; right: pages there are"
    );
}

/// The part of a source file that tests: all of it below a folder `tests` or in a `tests.rs`, else what `cfg(test)` guards.
fn tests_in(path: &Path) -> Option<String> {
    let inside = path.strip_prefix(root()).unwrap_or(path);
    let is_test =
        path.ends_with("tests.rs") || inside.components().any(|part| part.as_os_str() == "tests");
    let text = read(path);
    if is_test {
        Some(text)
    } else {
        text.split_once("#[cfg(test)]")
            .map(|(_, tests)| tests.to_owned())
    }
}

/// What a test expects counts as shown, the definition of a code or a comment in the sources does not.
#[test]
fn every_error_code_is_explained_and_shown() {
    let explained = read(&root().join("docs/errors.md"));
    let steps = files(&root().join("tests/scenarios"), "/steps");
    let shown: String = sources()
        .iter()
        .filter_map(|path| tests_in(path))
        .chain(steps.iter().map(|path| read(path)))
        .collect();
    let missing: Vec<_> = Code::ALL
        .iter()
        .map(|code| code.text())
        .filter(|code| !explained.contains(&format!("## {code}")) || !shown.contains(code))
        .collect();
    assert!(
        missing.is_empty(),
        "not in docs/errors.md, or in no test: {missing:?}"
    );
}

#[test]
fn nothing_is_ignored_or_left_undone() {
    for path in sources()
        .into_iter()
        .filter(|path| !path.ends_with("tidy.rs"))
    {
        let text = read(&path);
        for word in ["#[ignore", "todo!(", "unimplemented!("] {
            assert!(!text.contains(word), "{} holds `{word}`", path.display());
        }
    }
}

/// A test waits for an event; only a room that has none to wait for (a clock's tick, a server to come back) may sleep.
#[test]
fn no_test_sleeps() {
    for path in sources()
        .into_iter()
        .filter(|path| !path.ends_with("tidy.rs"))
    {
        let sleeps = tests_in(&path).is_some_and(|tests| tests.contains("thread::sleep"));
        assert!(!sleeps, "a test in {} sleeps", path.display());
    }
}
