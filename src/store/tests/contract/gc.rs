//! Only what nothing needs is removed from the cache, whoever works meanwhile and wherever it is killed.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use hpipe_core::{Content, Digest};
use hpipe_store::{
    AttemptState, Garbage, GarbageKind, GarbageRules, LockEntry, LockName, Needed, RunRecord, Store,
};

use crate::support::{
    Project, bare_entry, damages, digest, lock_out, out, overwrite, path, record, stage,
};

fn needing(digests: &[Digest]) -> Needed {
    let mut needed = Needed::default();
    digests.iter().for_each(|digest| needed.insert(*digest));
    needed
}

fn collect(store: &Store, needed: &Needed, rules: &GarbageRules) -> Garbage {
    store.collector().unwrap().collect(needed, rules).unwrap()
}

fn removed(garbage: &Garbage, kind: GarbageKind) -> u64 {
    garbage.removed.get(&kind).map_or(0, |tally| tally.count)
}

/// An entry that made the file `name`.
fn entry(key: Digest, name: &str, content: Content) -> LockEntry {
    LockEntry {
        key,
        outs: vec![lock_out(&path(name), content)],
        ..bare_entry("make it")
    }
}

/// Makes `name` hold `text`, stores it, and records a run of that key that ended `seconds` after 1970.
fn result(project: &Project, key: u8, name: &str, text: &str, seconds: u64) -> RunRecord {
    project.write(name, text);
    let record = RunRecord {
        started: seconds * 1000,
        seconds: 0.0,
        log: None,
        attempt: format!("attempt-{key}"),
        ..record(digest(key), vec![out(name, project.commit(name))])
    };
    project.store.publish_run(&record, false).unwrap();
    record
}

#[test]
fn a_needed_folder_stays_with_all_it_holds_and_the_rest_goes() {
    let project = Project::new();
    for i in 0..2000 {
        project.write(&format!("d/{}/{i}", i % 3), i.to_string());
        project.write(&format!("flat/{i}"), (i % 7).to_string());
    }
    let (deep, flat) = (project.commit("d"), project.commit("flat"));
    project.write("loose", "nobody needs this");
    let loose = project.commit("loose");
    let other = {
        project.write("d/1/more", "another version");
        project.commit("d")
    };
    let needed = needing(&[deep.digest, flat.digest]);
    let told = project.store.garbage(&needed, &GarbageRules::default());
    assert!(project.store.has(&other), "asking removes nothing");
    let garbage = collect(&project.store, &needed, &GarbageRules::default());
    assert_eq!(told.unwrap().removed, garbage.removed);
    // `loose`, `more`, and the two nodes above it.
    assert!(removed(&garbage, GarbageKind::Object) >= 4, "{garbage:?}");
    for kept in [deep, flat] {
        assert!(project.store.has(&kept));
    }
    assert!(!project.store.has(&loose) && !project.store.has(&other));
    project.store.restore(&deep, &path("again")).unwrap();
    assert_eq!(project.read("again/1/1999"), "1999");
    let again = collect(&project.store, &needed, &GarbageRules::default());
    assert_eq!(removed(&again, GarbageKind::Object), 0);
}

#[test]
fn a_record_whose_key_is_needed_stays_with_its_outs() {
    let project = Project::new();
    let kept = result(&project, 1, "a", "one", 100);
    let gone = result(&project, 2, "a", "two", 200);
    let garbage = collect(
        &project.store,
        &needing(&[kept.key]),
        &GarbageRules::default(),
    );
    assert_eq!(removed(&garbage, GarbageKind::Run), 1);
    assert_eq!(project.store.run_record(&kept.key), Some(kept.clone()));
    assert!(project.store.has(&kept.outs[0].content));
    assert_eq!(project.store.run_record(&gone.key), None);
    assert!(!project.store.has(&gone.outs[0].content));
}

#[test]
fn bounds_keep_what_is_recent_and_what_fits() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.unwrap().as_secs();
    let day = 86_400;
    let rules = GarbageRules::default;
    let age = |days| GarbageRules {
        older_than: Some(Duration::from_secs(days * day)),
        ..rules()
    };
    let latest = |n| GarbageRules {
        keep_runs: Some(n),
        ..rules()
    };
    // Each record has a few hundred bytes, each out 100,000.
    let size = |bytes| GarbageRules {
        keep_bytes: Some(bytes),
        ..rules()
    };
    for (rules, expect) in [
        (rules(), [true, false, false, false]),
        (age(5), [true, false, true, true]),
        (age(1), [true, false, false, true]),
        (age(50), [true, true, true, true]),
        (latest(0), [true, false, false, false]),
        (latest(1), [true, false, false, true]),
        (latest(2), [true, false, true, true]),
        (latest(99), [true, true, true, true]),
        (size(0), [true, false, false, false]),
        (size(250_000), [true, false, false, true]),
        (size(350_000), [true, false, true, true]),
        (size(1 << 40), [true, true, true, true]),
    ] {
        let project = Project::new();
        let text = |c: &str| c.repeat(100_000);
        let records = [
            result(&project, 1, "a", &text("1"), now - 40 * day), // needed
            result(&project, 2, "a", &text("2"), now - 30 * day),
            result(&project, 3, "a", &text("3"), now - 4 * day),
            result(&project, 4, "a", &text("4"), now - day / 2),
        ];
        let garbage = collect(&project.store, &needing(&[digest(1)]), &rules);
        let whole = |record: &RunRecord| {
            let known = project.store.run_record(&record.key).is_some();
            // An object just stored is young, whoever made it.
            let young = rules.older_than.is_some();
            assert!(known == project.store.has(&record.outs[0].content) || young);
            known
        };
        assert_eq!(
            records.each_ref().map(whole),
            expect,
            "{rules:?} {garbage:?}"
        );
    }
}

#[test]
fn the_memo_logs_and_leftovers_go_and_the_last_log_of_a_stage_stays() {
    let project = Project::new();
    let store = &project.store;
    store.remember(&digest(7), b"a part", false).unwrap();
    for _ in 0..3 {
        let mut attempt = store.begin_attempt(&stage("train")).unwrap();
        let end = hpipe_store::AttemptEnd {
            outcome: "failed".to_owned(),
            key: digest(1),
            seconds: 1.0,
        };
        writeln!(attempt.log_file().unwrap(), "epoch 1").unwrap();
        store.finish_attempt(&mut attempt, &end).unwrap();
    }
    let running = store.begin_attempt(&stage("slow")).unwrap();
    let later = store.begin_attempt(&stage("slow")).unwrap();
    fs::create_dir_all(project.at(".cache/tmp/dead")).unwrap();
    fs::write(project.at(".cache/tmp/dead/half"), "half").unwrap();
    fs::write(project.at(".cache/tmp/dead.owner"), "").unwrap();
    fs::create_dir_all(project.at(".cache/damaged")).unwrap();
    fs::write(project.at(".cache/damaged/00"), "damaged").unwrap();
    let collector = project.another_store();
    let garbage = collect(&collector, &Needed::default(), &GarbageRules::default());
    for (kind, expect) in [
        (GarbageKind::Memo, 1),
        (GarbageKind::Log, 2),
        (GarbageKind::Damaged, 1),
        (GarbageKind::Temporary, 1),
    ] {
        assert_eq!(removed(&garbage, kind), expect, "{kind:?}");
    }
    assert_eq!(store.recall(&digest(7)), None);
    let logs = store.attempts(&stage("train")).unwrap();
    let is_there = |attempt: &hpipe_store::AttemptSummary| attempt.log_path.exists();
    assert_eq!(
        logs.iter().map(is_there).collect::<Vec<_>>(),
        [true, false, false]
    );
    let slow = store.attempts(&stage("slow")).unwrap();
    assert!(
        slow.iter()
            .all(|attempt| attempt.state == AttemptState::Running)
    );
    assert_eq!(slow.iter().map(is_there).collect::<Vec<_>>(), [true, true]);
    drop((running, later));
    assert!(!project.at(".cache/tmp/dead").exists());
}

#[test]
fn the_attempt_that_made_what_is_kept_stays() {
    let project = Project::new();
    let store = &project.store;
    let attempt = || {
        let mut attempt = store.begin_attempt(&stage("train")).unwrap();
        let end = hpipe_store::AttemptEnd {
            outcome: "ran".to_owned(),
            key: digest(1),
            seconds: 1.0,
        };
        writeln!(attempt.log_file().unwrap(), "epoch 1").unwrap();
        store.finish_attempt(&mut attempt, &end).unwrap();
        attempt
    };
    let first = attempt();
    let made = project.store.record_of(&first, digest(1), Vec::new(), 1.0);
    store.publish_run(&made.unwrap(), false).unwrap();
    let kept = first.log().unwrap().0.to_owned();
    attempt();
    collect(store, &needing(&[digest(1)]), &GarbageRules::default());
    assert!(kept.exists());
    collect(store, &Needed::default(), &GarbageRules::default());
    assert!(!kept.exists());
}

#[test]
fn journals_of_the_past_go_and_those_of_the_last_attempts_stay() {
    let project = Project::new();
    let attempt = |names: &[&str]| {
        let store = project.another_store();
        for name in names {
            drop(store.begin_attempt(&stage(name)).unwrap());
        }
    };
    attempt(&["a", "b"]);
    attempt(&["a"]);
    attempt(&["a"]);
    let living = project.another_store();
    drop(living.begin_attempt(&stage("c")).unwrap());
    drop(living.begin_attempt(&stage("a")).unwrap());
    let store = project.another_store();
    let garbage = collect(&store, &Needed::default(), &GarbageRules::default());
    assert_eq!(removed(&garbage, GarbageKind::Log), 2);
    let left = |name: &str| store.attempts(&stage(name)).unwrap().len();
    assert_eq!([left("a"), left("b"), left("c")], [2, 1, 1]);
}

#[test]
fn a_held_lock_stays_and_a_free_one_can_be_taken_again() {
    let project = Project::new();
    let held = project.store.lock(&LockName::Stage(stage("held"))).unwrap();
    drop(project.store.lock(&LockName::Stage(stage("free"))).unwrap());
    let store = project.another_store();
    let garbage = collect(&store, &Needed::default(), &GarbageRules::default());
    assert_eq!(removed(&garbage, GarbageKind::Lock), 1);
    assert!(
        store
            .try_lock(&LockName::Stage(stage("held")))
            .unwrap()
            .is_none()
    );
    drop(held);
    assert!(
        store
            .try_lock(&LockName::Stage(stage("held")))
            .unwrap()
            .is_some()
    );
    assert!(
        store
            .try_lock(&LockName::Stage(stage("free")))
            .unwrap()
            .is_some()
    );
}

/// Removing the file of a lock must never give one lock to two: executions under it would overlap.
#[test]
fn a_lock_is_held_by_one_whoever_removes_its_file() {
    let project = Project::new();
    let inside = std::sync::atomic::AtomicU32::new(0);
    let stop = std::sync::atomic::AtomicBool::new(false);
    use std::sync::atomic::Ordering::SeqCst;
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let store = project.another_store();
                    for _ in 0..300 {
                        let lock = store.lock(&LockName::Stage(stage("s"))).unwrap();
                        assert_eq!(inside.fetch_add(1, SeqCst), 0, "two hold one lock");
                        inside.fetch_sub(1, SeqCst);
                        drop(lock);
                    }
                })
            })
            .collect();
        let remover = scope.spawn(|| {
            let store = project.another_store();
            while !stop.load(SeqCst) {
                collect(&store, &Needed::default(), &GarbageRules::default());
            }
        });
        let ended: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        stop.store(true, SeqCst);
        remover.join().unwrap();
        ended.into_iter().for_each(|end| end.unwrap());
    });
}

/// Who stored something relies on it until it is published: here the removal comes between.
#[test]
fn what_was_removed_before_its_publication_is_stored_again() {
    let project = Project::new();
    project.write("a", "the result");
    project.write("d/deep/b", "another");
    let contents = [("a", project.commit("a")), ("d", project.commit("d"))];
    collect(
        &project.another_store(),
        &Needed::default(),
        &GarbageRules::default(),
    );
    for (name, content) in contents {
        assert!(!project.store.has(&content));
        let made = record(digest(1), vec![out(name, content)]);
        project.store.publish_run(&made, true).unwrap();
        assert!(project.store.has(&content), "{name} by its run record");
    }
    collect(
        &project.another_store(),
        &Needed::default(),
        &GarbageRules::default(),
    );
    for (name, content) in contents {
        assert!(!project.store.has(&content));
        let publish = |lock: &mut hpipe_store::LockFile| {
            let made = entry(digest(2), name, content);
            drop(lock.stages.insert(stage(name), made.into()));
        };
        let lock = path("pipeline.lock");
        project.store.update_lock(&lock, publish).unwrap();
        assert!(project.store.has(&content), "{name} by the lock file");
    }
}

/// Committers and a collector at once: what a lock file names is whole at every moment.
#[test]
fn nothing_that_is_published_is_ever_removed() {
    let project = Project::new();
    let lock = path("pipeline.lock");
    let done = std::sync::atomic::AtomicBool::new(false);
    use std::sync::atomic::Ordering::SeqCst;
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3)
            .map(|worker| {
                let (project, lock) = (&project, &lock);
                scope.spawn(move || {
                    let store = project.another_store();
                    for i in 0..40 {
                        let name = format!("w{worker}");
                        // Few contents: most of them are there already, or just were.
                        project.write(&format!("{name}/f"), (i % 3).to_string());
                        let content = store.commit(&path(&name)).unwrap().unwrap();
                        let made = entry(digest(worker), &name, content);
                        let publish = |lock: &mut hpipe_store::LockFile| {
                            drop(lock.stages.insert(stage(&name), made.into()));
                        };
                        store.update_lock(lock, publish).unwrap();
                        assert!(store.has(&content), "published, and gone");
                    }
                })
            })
            .collect();
        let remover = scope.spawn(|| {
            while !done.load(SeqCst) {
                let store = project.another_store();
                let collector = store.collector().unwrap();
                let mut needed = Needed::default();
                needed.named_in(&fs::read(project.at("pipeline.lock")).unwrap_or_default());
                collector
                    .collect(&needed, &GarbageRules::default())
                    .unwrap();
            }
        });
        let ended: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        done.store(true, SeqCst);
        remover.join().unwrap();
        ended.into_iter().for_each(|end| end.unwrap());
    });
}

#[test]
fn a_damaged_needed_node_keeps_all_objects() {
    let project = Project::new();
    project.write("d/a", "what the node leads to");
    let folder = project.commit("d");
    let inner = project.content("d/a");
    let good = fs::read(project.object(&folder)).unwrap();
    let begins_as_nodes_do = |bad: &Vec<u8>| bad.starts_with(b"hpipe\0T");
    for bad in damages(&good).iter().filter(|bad| begins_as_nodes_do(bad)) {
        overwrite(&project.object(&folder), bad);
        let garbage = collect(
            &project.store,
            &needing(&[folder.digest]),
            &GarbageRules::default(),
        );
        assert_eq!(removed(&garbage, GarbageKind::Object), 0);
        assert!(project.store.has(&inner));
        assert_eq!(project.store.take_warnings().len(), 1);
    }
}

#[test]
fn strange_names_are_left_alone_and_no_cache_is_no_error() {
    let project = Project::new();
    let rules = GarbageRules::default();
    let none = project.store.garbage(&Needed::default(), &rules).unwrap();
    assert_eq!(none.total().count, 0);
    assert!(!project.at(".cache").exists(), "asking makes nothing");
    for name in [
        "objects-v1/ab/notes",
        "objects-v2/x",
        "objects-v1/README",
        "runs-v1/zz/1",
    ] {
        project.write(&format!(".cache/{name}"), "not ours");
    }
    let garbage = collect(&project.store, &Needed::default(), &rules);
    assert_eq!(garbage.total().count, 0, "{garbage:?}");
    assert!(Path::new(&project.at(".cache/objects-v2/x")).exists());
}

/// Whoever looks for garbage tries locks for an instant: nobody may take that for somebody at work.
#[test]
fn looking_for_garbage_hinders_nobody() {
    let project = Project::new();
    let free = LockName::Stage(stage("free"));
    drop(project.store.lock(&free).unwrap());
    drop(
        project
            .another_store()
            .begin_attempt(&stage("past"))
            .unwrap(),
    );
    drop(project.store.collector().unwrap());
    let stop = std::sync::atomic::AtomicBool::new(false);
    use std::sync::atomic::Ordering::SeqCst;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let store = project.another_store();
            while !stop.load(SeqCst) {
                store
                    .garbage(&Needed::default(), &GarbageRules::default())
                    .unwrap();
            }
        });
        for _ in 0..20 {
            assert!(project.store.try_lock(&free).unwrap().is_some());
            let living = project.another_store();
            let attempt = living.begin_attempt(&stage("s")).unwrap();
            assert!(living.attempts(&stage("s")).unwrap()[0].state == AttemptState::Running);
            drop(attempt);
        }
        stop.store(true, SeqCst);
    });
}
