//! `hpipe models verify`: every digest that a version names, computed again.

use hpipe_core::{Digest, ProjectPath};
use hpipe_engine::CommittedFiles;
use hpipe_store::Store;
use hpipe_track::Ledger;
use hpipe_track::ledger::{ModelVersion, Registration};
use hpipe_track::registry::{Lineage, Source};

use super::{ask, existing_ledger, find};
use crate::args::ModelsShow;
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::ui::{self, Evidence, Standing};

/// Says how everything stands that a version is made of; what is missing or changed ends with exit code 1.
pub(super) fn verify(session: &Session, arguments: &ModelsShow) -> Result<Exit, Error> {
    let ledger = existing_ledger(session)?;
    let found = find(&ledger, &arguments.model)?;
    let known = registration(&ledger, &found)?;
    let (location, store) = session.open_store()?;
    let folder = ledger.read(|records| records.version_folder(&found.name, found.version))?;
    let mut evidence = artifacts(&ledger, &folder, &known);
    if let Some(lineage) = &known.lineage {
        let commit = match &lineage.code {
            Some(code) => CommittedFiles::at(&location.root, &code.commit)?,
            None => None,
        };
        evidence.extend(code(lineage, commit.as_ref()));
        evidence.extend(texts(&ledger, &folder, lineage));
        for source in &lineage.sources {
            evidence.push(data(&store, commit.as_ref(), source)?);
        }
        evidence.extend(outs(&ledger, &store, lineage)?);
    }
    session.tell_store_warnings(&store);
    let version = format!("{}/{}", found.name, found.version);
    match arguments.json {
        true => session.ui.data(&json::verified(&version, &evidence)),
        false => session.ui.data(&ui::verified_text(&version, &evidence)),
    }
    Ok(match evidence.iter().all(|one| one.standing.is_fine()) {
        true => Exit::Done,
        false => Exit::CHANGED,
    })
}

/// What a version was registered with.
pub(super) fn registration(ledger: &Ledger, found: &ModelVersion) -> Result<Registration, Error> {
    let known = ask(ledger, |records| {
        Ok(records.registration(&found.name, found.version)?)
    })?;
    known.ok_or_else(|| Error::Usage {
        message: format!(
            "{}/{} was registered by a client of MLflow: what it is made of is not recorded",
            found.name, found.version
        ),
        help: "`uses: register` in the pipeline, or `hpipe models register`, records it".to_owned(),
    })
}

/// Whether the artifact at `path` is there, with bytes of this digest.
fn artifact(ledger: &Ledger, path: &str, digest: &Digest) -> (Standing, String) {
    let stored = ledger.read(|records| records.artifact(path));
    match (stored, ledger.open_artifact(path)) {
        (Ok(stored), Ok(_)) if stored.digest == *digest => (Standing::Same, "artifact".to_owned()),
        (Ok(_), Ok(_)) => (Standing::Changed, "the artifact is another".to_owned()),
        (Ok(_), Err(error)) => (Standing::Missing, error.to_string()),
        (Err(_), _) => (Standing::Missing, "there is no such artifact".to_owned()),
    }
}

fn artifacts(ledger: &Ledger, folder: &str, known: &Registration) -> Vec<Evidence> {
    let of = |kind, name: String, path: &str, digest: &Digest| {
        let (standing, place) = artifact(ledger, &format!("{folder}/{path}"), digest);
        Evidence {
            kind,
            name,
            standing,
            place,
        }
    };
    let record = "hpipe/registration.json";
    let mut found = vec![of(
        "record",
        "registration".to_owned(),
        record,
        &known.digest,
    )];
    found.extend(known.record.files.iter().map(|file| {
        let name = match &file.within {
            Some(within) => format!("{}/{within}", file.path),
            None => file.path.clone(),
        };
        of("file", name, &file.stored_at(), &file.digest)
    }));
    found
}

/// Whether the commit is there, and has the texts unless they were changed since.
fn code(lineage: &Lineage, commit: Option<&CommittedFiles>) -> Vec<Evidence> {
    let Some(code) = &lineage.code else {
        return Vec::new();
    };
    let (standing, place) = match commit {
        Some(_) if code.dirty => (Standing::Same, "git; files differed from it"),
        Some(_) => (Standing::Same, "git"),
        None => (Standing::Missing, "the repository does not have it"),
    };
    vec![Evidence {
        kind: "commit",
        name: code.commit.chars().take(12).collect(),
        standing,
        place: place.to_owned(),
    }]
}

fn texts(ledger: &Ledger, folder: &str, lineage: &Lineage) -> Vec<Evidence> {
    let texts = lineage.texts.iter().map(|text| {
        let path = format!("{folder}/hpipe/project/{}", text.path);
        let (standing, place) = artifact(ledger, &path, &text.digest);
        Evidence {
            kind: "text",
            name: text.path.clone(),
            standing,
            place,
        }
    });
    texts.collect()
}

/// Whether what no stage makes is in the workspace, in the commit, or in the cache.
fn data(
    store: &Store,
    commit: Option<&CommittedFiles>,
    source: &Source,
) -> Result<Evidence, Error> {
    let path = ProjectPath::new(&source.path);
    let there = store.content_reread(&path).ok().flatten();
    let is_committed = match commit {
        Some(commit) => commit
            .read(&path)?
            .is_some_and(|bytes| hpipe_store::hash_bytes(&bytes) == source.digest),
        None => false,
    };
    let is_there = there.is_some_and(|content| content.digest == source.digest);
    let (standing, place) = match (is_there, is_committed) {
        (true, _) => (Standing::Same, "workspace".to_owned()),
        (false, true) => (Standing::Same, "git".to_owned()),
        (false, false) if store.stored(&source.digest)?.is_some() => {
            (Standing::Same, "cache".to_owned())
        }
        (false, false) => match there {
            Some(content) => (
                Standing::Changed,
                format!(
                    "{} then, {} now",
                    source.digest.short(),
                    content.digest.short()
                ),
            ),
            None => (
                Standing::Missing,
                format!("{} is nowhere", source.digest.short()),
            ),
        },
    };
    Ok(Evidence {
        kind: "data",
        name: source.path.clone(),
        standing,
        place,
    })
}

/// What stages made on the way: gone is no loss, for it can be made again.
fn outs(ledger: &Ledger, store: &Store, lineage: &Lineage) -> Result<Vec<Evidence>, Error> {
    let mut found = Vec::new();
    for made in lineage.stages.values().flat_map(|stage| &stage.outs) {
        let path = ProjectPath::new(&made.path);
        let there = store.content_reread(&path).ok().flatten();
        let place = match there {
            Some(content) if content.digest == made.digest => Some("workspace"),
            _ if store.stored(&made.digest)?.is_some() => Some("cache"),
            _ if ledger.read(|records| records.has_artifact(&made.digest))? => Some("artifact"),
            _ => None,
        };
        found.push(Evidence {
            kind: "out",
            name: made.path.clone(),
            standing: place.map_or(Standing::Gone, |_| Standing::Same),
            place: place.unwrap_or("its stage makes it again").to_owned(),
        });
    }
    Ok(found)
}
