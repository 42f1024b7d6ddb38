//! Readers of everything on disk, given what no writer wrote: they neither panic nor hang, and never take for whole what is
//! not. What is sealed reads as what was written or not at all.
//!
//! `PROPTEST_CASES` says how many; `tests/long.sh` asks for many.

use std::fs;
use std::path::Path;

use hpipe_core::{Content, Digest};
use hpipe_store::{LockFile, Needed, RunRecord};
use proptest::prelude::*;

use crate::support::{
    Project, bare_entry, digest, full_entry, out, overwrite, path, record, stage,
};

/// One thing that happens to bytes.
#[derive(Debug, Clone)]
enum Damage {
    Cut(usize),
    Zero(usize, usize),
    Flip(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    /// Copies some bytes to another place: texts that look right and say something else.
    Copy(usize, usize, usize),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |place: usize, bytes: &Vec<u8>| place % (bytes.len() + 1);
        let range = |from: usize, length: usize, bytes: &Vec<u8>| {
            let from = at(from, bytes);
            from..(from + length % 64).min(bytes.len())
        };
        match self {
            Self::Cut(place) => bytes.truncate(at(*place, bytes)),
            Self::Zero(from, length) => {
                let range = range(*from, *length, bytes);
                bytes[range].fill(0);
            }
            Self::Flip(place, bit) => {
                let place = at(*place, bytes);
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Self::Insert(place, more) => {
                let place = at(*place, bytes);
                bytes.splice(place..place, more.iter().copied());
            }
            Self::Remove(from, length) => {
                let range = range(*from, *length, bytes);
                bytes.drain(range);
            }
            Self::Copy(from, length, to) => {
                let copied = bytes[range(*from, *length, bytes)].to_vec();
                let to = at(*to, bytes);
                bytes.splice(to..to, copied);
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = || any::<usize>();
    prop_oneof![
        place().prop_map(Damage::Cut),
        (place(), place()).prop_map(|(from, length)| Damage::Zero(from, length)),
        (place(), any::<u8>()).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (place(), prop::collection::vec(any::<u8>(), 1..9))
            .prop_map(|(at, more)| Damage::Insert(at, more)),
        (place(), place()).prop_map(|(from, length)| Damage::Remove(from, length)),
        (place(), place(), place()).prop_map(|(from, length, to)| Damage::Copy(from, length, to)),
    ]
}

fn damaged(good: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    damages.iter().for_each(|damage| damage.apply(&mut bytes));
    bytes
}

fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig {
        cases: if asked { usual.cases } else { 1500 },
        failure_persistence: None,
        ..usual
    }
}

/// Tries `look` on good bytes that suffered.
fn each_damage(good: &[u8], look: impl Fn(Vec<u8>) -> Result<(), TestCaseError>) {
    let mut runner = proptest::test_runner::TestRunner::new(config());
    let damages = prop::collection::vec(damage(), 1..4);
    let tried = runner.run(&damages, |damages| look(damaged(good, &damages)));
    tried.unwrap_or_else(|error| panic!("{error}"));
}

fn lock_text() -> (Project, Vec<u8>) {
    let project = Project::new();
    let write = |lock: &mut LockFile| {
        lock.stages.insert(stage("a"), full_entry().into());
        lock.stages
            .insert(stage("b@1"), bare_entry("x\ny: |\n  'z").into());
    };
    let lock = path("pipeline.lock");
    project.store.update_lock(&lock, write).unwrap();
    let text = fs::read(project.at("pipeline.lock")).unwrap();
    (project, text)
}

#[test]
fn a_lock_file() {
    let (project, good) = lock_text();
    let lock = path("pipeline.lock");
    each_damage(&good, |bytes| {
        let mut needed = Needed::default();
        needed.named_in(&bytes);
        let Ok(read) = LockFile::parse(&bytes, Path::new("x")) else {
            return Ok(());
        };
        // What was read can be written, and reads the same then.
        overwrite(&project.at("pipeline.lock"), b"");
        let written = project
            .store
            .update_lock(&lock, |lock| *lock = read.clone());
        prop_assert_eq!(&written.unwrap().0, &read);
        let again = project.another_store().read_lock(&lock).unwrap();
        prop_assert_eq!(again, read);
        Ok(())
    });
}

/// One of ours that was torn is told and counts as missing, and nothing is lost when it is replaced.
#[test]
fn a_torn_lock_file_counts_as_missing_and_is_kept() {
    let (project, good) = lock_text();
    let lock = path("pipeline.lock");
    let mut torn = 0;
    for length in 0..good.len() {
        let mut zeroed = good.clone();
        zeroed[length..].fill(0);
        for bytes in [good[..length].to_vec(), zeroed] {
            overwrite(&project.at("pipeline.lock"), &bytes);
            let store = project.another_store();
            let read = store.read_lock(&lock).unwrap();
            let warnings = store.take_warnings();
            if LockFile::parse(&bytes, Path::new("x")).is_ok() && !bytes.is_empty() {
                continue;
            }
            torn += 1;
            assert_eq!((read.stages.len(), warnings.len()), (0, 1), "{length}");
            let edit =
                |lock: &mut LockFile| drop(lock.stages.insert(stage("n"), bare_entry("n").into()));
            store.update_lock(&lock, edit).unwrap();
            let aside = Digest::blake3(*blake3::hash(&bytes).as_bytes()).hex();
            let kept = fs::read(project.at(".cache/damaged").join(aside)).unwrap_or_default();
            assert!(kept == bytes || bytes.iter().all(|b| b.is_ascii_whitespace() || *b == 0));
            let now = project.another_store().read_lock(&lock).unwrap();
            assert_eq!(now.stages.len(), 1);
        }
    }
    assert!(torn > good.len(), "{torn} of {} lengths", good.len());
}

#[test]
fn a_run_record() {
    let project = Project::new();
    let key = digest(1);
    let content = Content::file(digest(4), 5, true);
    let written = record(key, vec![out("a", content), out("b/ü", content)]);
    project.store.publish_run(&written, false).unwrap();
    let good = fs::read(project.run(&key)).unwrap();
    each_damage(&good, |bytes| {
        overwrite(&project.run(&key), &bytes);
        let read: Option<RunRecord> = project.store.run_record(&key);
        prop_assert!(read.is_none() || read == Some(written.clone()));
        project.store.take_warnings();
        Ok(())
    });
}

#[test]
fn a_memo_entry() {
    let project = Project::new();
    let key = digest(1);
    let value = vec![7; 100];
    project.store.remember(&key, &value, false).unwrap();
    let good = fs::read(project.memo(&key)).unwrap();
    each_damage(&good, |bytes| {
        overwrite(&project.memo(&key), &bytes);
        let read = project.store.recall(&key);
        prop_assert!(read.is_none() || read == Some(value.clone()));
        project.store.take_warnings();
        Ok(())
    });
}

#[test]
fn the_stat_cache() {
    let project = Project::new();
    for name in ["a", "b/c", "d"] {
        project.write(name, name);
        let file = fs::File::options()
            .append(true)
            .open(project.at(name))
            .unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH)
            .unwrap();
    }
    // The change time cannot be set, so files must be older than a tick of the clock.
    let mut good = Vec::new();
    while good.is_empty() {
        let store = project.another_store();
        for name in ["a", "b/c", "d"] {
            store.content(&path(name)).unwrap();
        }
        store.flush();
        good = fs::read(project.at(".cache/stat-v1")).unwrap_or_default();
    }
    let expect = ["a", "b/c", "d"].map(|name| project.content(name));
    each_damage(&good, |bytes| {
        overwrite(&project.at(".cache/stat-v1"), &bytes);
        let store = project.another_store();
        let read = ["a", "b/c", "d"].map(|name| store.content(&path(name)).unwrap().unwrap());
        prop_assert_eq!(read, expect);
        Ok(())
    });
}

/// A node whose name is right, as somebody else's cache may hold: whatever it says, it is checked.
#[test]
fn a_folder_node() {
    let project = Project::new();
    for i in 0..40 {
        project.write(&format!("d/{i}"), i.to_string());
    }
    project.write("d/deep/x", "x");
    let folder = project.commit("d");
    let good = fs::read(project.object(&folder)).unwrap();
    each_damage(&good, |bytes| {
        let named = Digest::blake3(*blake3::hash(&bytes).as_bytes());
        let content = Content {
            digest: named,
            object_size: bytes.len() as u64,
            ..folder
        };
        overwrite_object(&project, &content, &bytes);
        let _ = project.store.stored(&named).unwrap();
        let _ = project.store.stored_files(&content).unwrap();
        let is_whole = project.store.has(&content);
        let restored = project.store.restore(&content, &path("again"));
        if restored.is_ok() {
            prop_assert!(is_whole);
            let made = project
                .store
                .content_reread(&path("again"))
                .unwrap()
                .unwrap();
            prop_assert!(made.same_bytes(&content), "restored as something else");
        } else {
            prop_assert!(!project.at("again").exists(), "half a folder");
        }
        project.store.remove(&path("again")).unwrap();
        // A damaged name may be one that is no content of a folder (`.git`), and stays; the next case begins with nothing.
        if project.at("again").exists() {
            fs::remove_dir_all(project.at("again")).unwrap();
        }
        project.store.take_warnings();
        Ok(())
    });
}

fn overwrite_object(project: &Project, content: &Content, bytes: &[u8]) {
    let at = project.object(content);
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    overwrite(&at, bytes);
}

#[test]
fn attempts_durations_and_the_number_of_removals() {
    let project = Project::new();
    let mut attempt = project.store.begin_attempt(&stage("a")).unwrap();
    let end = hpipe_store::AttemptEnd {
        outcome: "ran".to_owned(),
        key: digest(1),
        seconds: 1.5,
    };
    project.store.finish_attempt(&mut attempt, &end).unwrap();
    let session = fs::read_dir(project.at(".cache/attempts-v1")).unwrap();
    let journal = session.last().unwrap().unwrap().path().join("journal");
    each_damage(&fs::read(&journal).unwrap(), |bytes| {
        overwrite(&journal, &bytes);
        // Damage may repeat a line under another id, but never lists what no line began.
        let begun = bytes.windows(7).filter(|word| word == b"\"began\"").count();
        prop_assert!(project.store.attempts(&stage("a")).unwrap().len() <= begun);
        project.store.take_warnings();
        Ok(())
    });
    let durations = [(stage("a"), 1.5), (stage("b"), 2e-6)].into();
    project.store.save_durations(&durations);
    each_damage(
        &fs::read(project.at(".cache/durations-v1")).unwrap(),
        |bytes| {
            overwrite(&project.at(".cache/durations-v1"), &bytes);
            let read = project.store.durations();
            prop_assert!(read.values().all(|seconds| (0.0..=1e9).contains(seconds)));
            Ok(())
        },
    );
    let number = b"hpipe-collections 1\n00000000000000000004\n";
    each_damage(number, |bytes| {
        overwrite(&project.at(".cache/collections-v1"), &bytes);
        let store = project.another_store();
        prop_assert!(
            store
                .publish_run(&crate::support::record(digest(3), Vec::new()), true)
                .is_ok()
        );
        Ok(())
    });
}
