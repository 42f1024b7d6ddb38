//! Several processes at once: no lost update, no failure because another was first, one holder a lock.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hpipe_core::Content;
use hpipe_store::{AttemptEnd, AttemptState, LockName, Published, StageLock, Store};

use crate::support::{Project, bare_entry, digest, out, path, record, stage};

#[test]
fn no_update_of_the_lock_file_is_lost() {
    let project = Project::new();
    let lock = path("pipeline.lock");
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let (project, lock) = (&project, &lock);
            scope.spawn(move || {
                let store = project.another_store();
                for i in 0..10 {
                    let name = stage(&format!("s{worker}-{i}"));
                    store
                        .update_lock(lock, |lock| {
                            drop(lock.stages.insert(name, bare_entry("true").into()))
                        })
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(project.store.read_lock(&lock).unwrap().stages.len(), 80);
}

#[test]
fn the_same_objects_can_be_stored_by_many() {
    let project = Project::new();
    for i in 0..300 {
        project.write(&format!("d/{i}"), format!("{}", i % 10));
    }
    std::thread::scope(|scope| {
        let commit = || project.another_store().commit(&path("d")).unwrap().unwrap();
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(commit)).collect();
        for worker in workers {
            assert!(project.store.has(&worker.join().unwrap()));
        }
    });
}

/// A file's content whose object is there.
fn stored(project: &Project, byte: u8) -> Content {
    let name = format!("stored-{byte}");
    project.write(&name, [byte; 5]);
    project.store.commit(&path(&name)).unwrap().unwrap()
}

/// A record that names what nobody can restore any more would keep every later result out.
#[test]
fn a_first_result_whose_objects_are_gone_gives_way() {
    let project = Project::new();
    let lost = record(
        digest(1),
        vec![out("a", Content::file(digest(2), 5, false))],
    );
    let next = record(digest(1), vec![out("a", stored(&project, 3))]);
    assert_eq!(
        project.store.publish_run(&lost, false).unwrap(),
        Published::New
    );
    assert_eq!(
        project.store.publish_run(&next, false).unwrap(),
        Published::Replaced
    );
    assert_eq!(project.store.run_record(&digest(1)), Some(next));
}

#[test]
fn the_first_result_stands_and_a_forced_one_replaces_it() {
    let project = Project::new();
    let made = |byte| out("a", stored(&project, byte));
    let mut first = record(digest(1), vec![made(2)]);
    let again = record(digest(1), vec![made(2)]);
    let other = record(digest(1), vec![made(3)]);
    first.attempt = "first".to_owned();
    let publish = |record, replace| project.store.publish_run(record, replace).unwrap();

    assert_eq!(publish(&first, false), Published::New);
    assert_eq!(publish(&again, false), Published::Same);
    assert_eq!(publish(&other, false), Published::Differs(first.clone()));
    assert_eq!(project.store.run_record(&digest(1)), Some(first.clone()));
    assert_eq!(publish(&other, true), Published::Replaced);
    assert_eq!(project.store.run_record(&digest(1)), Some(other));
    let mut history = project.run(&digest(1)).into_os_string();
    history.push(".first");
    assert!(
        std::fs::read_to_string(history)
            .unwrap()
            .contains("\"attempt\": \"first\"")
    );
}

#[test]
fn of_results_published_at_once_one_stands_whole() {
    let project = Project::new();
    let results: Vec<Published> = std::thread::scope(|scope| {
        let publish = |byte: u8| {
            let record = record(digest(1), vec![out("a", stored(&project, byte))]);
            project.another_store().publish_run(&record, false).unwrap()
        };
        let workers: Vec<_> = (0..8)
            .map(|byte| scope.spawn(move || publish(byte)))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .collect()
    });
    assert_eq!(
        results
            .iter()
            .filter(|result| **result == Published::New)
            .count(),
        1
    );
    assert_eq!(
        results
            .iter()
            .filter(|result| matches!(result, Published::Differs(_)))
            .count(),
        7
    );
}

#[test]
fn a_stage_is_locked_once() {
    let project = Project::new();
    let other = project.another_store();
    let name = stage("train@ridge");
    let held = project
        .store
        .try_lock(&LockName::Stage(name.clone()))
        .unwrap()
        .unwrap();
    assert!(
        other
            .try_lock(&LockName::Stage(name.clone()))
            .unwrap()
            .is_none()
    );
    assert!(
        other
            .try_lock(&LockName::Stage(stage("other")))
            .unwrap()
            .is_some()
    );

    let waiter = std::thread::spawn(other.waiter(&LockName::Stage(name.clone())));
    drop(held);
    let waited = waiter.join().unwrap().unwrap();
    assert!(
        project
            .store
            .try_lock(&LockName::Stage(name.clone()))
            .unwrap()
            .is_none()
    );
    drop(waited);
    assert!(project.store.lock(&LockName::Stage(name.clone())).is_ok());
}

#[test]
fn the_first_value_remembered_stands_unless_it_is_to_be_replaced() {
    let project = Project::new();
    let remember = |value: &[u8], replace| {
        project.store.remember(&digest(1), value, replace).unwrap();
        project.another_store().recall(&digest(1)).unwrap()
    };
    assert_eq!(project.store.recall(&digest(1)), None);
    assert_eq!(remember(b"first", false), b"first");
    assert_eq!(remember(b"second", false), b"first");
    assert_eq!(remember(b"third", true), b"third");
}

/// Values that differ by who remembers them, so that a mixture would show; longer than a page.
fn value_of(writer: u8) -> Vec<u8> {
    vec![writer; 5_000]
}

/// Remembers a hundred keys and looks whether every one of them is whole whenever it is there.
fn remember_all(store: &Store, writer: u8) {
    for key in 0..100 {
        store
            .remember(&digest(key), &value_of(writer), writer.is_multiple_of(2))
            .unwrap();
        let value = store.recall(&digest(key)).unwrap();
        assert_eq!(value, value_of(value[0]), "a mixture of two values");
    }
}

/// Not a test of its own: what the processes started below do.
#[test]
fn memo_writer() {
    if let Some(root) = std::env::var_os(MEMO_ROOT) {
        let store = Store::open(Path::new(&root), Path::new(".cache")).unwrap();
        std::thread::scope(|threads| {
            for writer in 0..4 {
                let store = &store;
                threads.spawn(move || remember_all(store, writer));
            }
        });
        assert_eq!(store.take_warnings(), Vec::<String>::new());
    }
}

/// Names the project's folder to the processes that remember at once.
const MEMO_ROOT: &str = "HPIPE_STORE_TEST_MEMO";

#[test]
fn threads_of_several_processes_remember_at_once() {
    let project = Project::new();
    let start = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "parallel::memo_writer"])
            .env(MEMO_ROOT, project.root())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..3).map(|_| start()).collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    for key in 0..100 {
        assert!(project.store.recall(&digest(key)).is_some());
    }
}

/// Starts a shell that has the lock as standard input, reads it to its end, then waits until `door` is opened.
fn child_behind(door: &Path, held: &StageLock) -> Child {
    Command::new("/bin/sh")
        .args(["-c", "cat && read line < \"$DOOR\""])
        .env("DOOR", door)
        .stdin(held.handle().unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A named pipe: who reads it waits for somebody to write.
fn make_door(project: &Project) -> PathBuf {
    let door = project.at("door");
    let made = Command::new("mkfifo").arg(&door).status().unwrap();
    assert!(made.success());
    door
}

#[test]
fn a_lock_that_was_given_back_is_free_though_a_child_lives_on() {
    let project = Project::new();
    let name = stage("a");
    let door = make_door(&project);
    let held = project.store.lock(&LockName::Stage(name.clone())).unwrap();
    let child = child_behind(&door, &held);
    let other = project.another_store();
    assert!(
        other
            .try_lock(&LockName::Stage(name.clone()))
            .unwrap()
            .is_none()
    );
    drop(held);
    assert!(
        other
            .try_lock(&LockName::Stage(name.clone()))
            .unwrap()
            .is_some()
    );
    std::fs::write(&door, "open\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success() && output.stdout.is_empty(),
        "{output:?}"
    );
}

/// Names the project's folder to the process that is killed while its child lives on.
const ROOT: &str = "HPIPE_STORE_TEST_ORPHAN";

/// Not a test of its own: what the process started below does.
#[test]
fn orphan_maker() {
    let Some(root) = std::env::var_os(ROOT) else {
        return;
    };
    let root = Path::new(&root);
    let store = Store::open(root, Path::new(".cache")).unwrap();
    let held = store.lock(&LockName::Stage(stage("a"))).unwrap();
    child_behind(&root.join("door"), &held);
    std::process::abort();
}

#[test]
fn an_orphan_keeps_the_lock_of_its_killed_parent() {
    let project = Project::new();
    let door = make_door(&project);
    let killed = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "parallel::orphan_maker", "--nocapture"])
        .env(ROOT, project.root())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(!killed.success());
    assert!(
        project
            .store
            .try_lock(&LockName::Stage(stage("a")))
            .unwrap()
            .is_none()
    );
    let waiter = std::thread::spawn(project.store.waiter(&LockName::Stage(stage("a"))));
    std::fs::write(&door, "open\n").unwrap();
    waiter.join().unwrap().unwrap();
}

#[test]
fn attempts_are_listed_newest_first_by_how_they_ended() {
    let project = Project::new();
    let name = stage("train@ridge");
    let mut first = project.store.begin_attempt(&name).unwrap();
    let end = AttemptEnd {
        outcome: "ran".to_owned(),
        key: digest(1),
        seconds: 1.5,
    };
    project.store.finish_attempt(&mut first, &end).unwrap();
    let interrupted = project.store.begin_attempt(&name).unwrap();
    let interrupted_id = interrupted.id().to_owned();
    drop(interrupted);
    let running = project.store.begin_attempt(&name).unwrap();
    running.log_file().unwrap().write_all(b"epoch 1\n").unwrap();
    running.log_file().unwrap().write_all(b"epoch 2\n").unwrap();

    let attempts = project.another_store().attempts(&name).unwrap();
    let expect = [
        (running.id(), AttemptState::Running),
        (&interrupted_id, AttemptState::Interrupted),
        (first.id(), AttemptState::Finished(end)),
    ];
    let found: Vec<_> = attempts
        .iter()
        .map(|a| (a.id.as_str(), a.state.clone()))
        .collect();
    assert_eq!(found, expect);
    assert_eq!(
        std::fs::read_to_string(&attempts[0].log_path).unwrap(),
        "epoch 1\nepoch 2\n"
    );
    assert!(!attempts[2].log_path.exists());
}

#[test]
fn what_cannot_be_put_into_the_logs_can_be_read_where_it_is() {
    let project = Project::new();
    let mut attempt = project.store.begin_attempt(&stage("a")).unwrap();
    attempt.log_file().unwrap().write_all(b"why\n").unwrap();
    std::fs::write(project.at(".cache/logs"), "no folder").unwrap();
    let end = AttemptEnd {
        outcome: "failed".to_owned(),
        key: digest(1),
        seconds: 0.0,
    };
    assert!(project.store.finish_attempt(&mut attempt, &end).is_err());
    assert_eq!(attempt.printed().unwrap(), b"why\n");
}

#[test]
fn what_an_attempt_printed_is_put_into_its_folder_and_an_empty_spool_serves_the_next() {
    let project = Project::new();
    let end = AttemptEnd {
        outcome: "ran".to_owned(),
        key: digest(1),
        seconds: 0.0,
    };
    let execute = |name: &str, text: &str| {
        let mut attempt = project.store.begin_attempt(&stage(name)).unwrap();
        let mut log = attempt.log_file().unwrap();
        log.write_all(text.as_bytes()).unwrap();
        project.store.finish_attempt(&mut attempt, &end).unwrap();
        attempt
    };
    execute("quiet", "");
    let loud = execute("loud", "one\n");
    execute("quiet", "");
    execute("loud", "two\n");

    let folder = format!(".cache/logs/loud/{}/output.log", loud.id());
    assert_eq!(loud.log().unwrap(), (project.at(&folder).as_path(), 4));
    let found = project.another_store().attempts(&stage("loud")).unwrap();
    let texts: Vec<_> = found
        .iter()
        .map(|attempt| std::fs::read_to_string(&attempt.log_path).unwrap())
        .collect();
    assert_eq!(texts, ["two\n", "one\n"]);
    assert_eq!(project.store.attempts(&stage("quiet")).unwrap().len(), 2);
    assert!(!project.at(".cache/logs/quiet").exists());
}

#[test]
fn a_journal_that_is_cut_short_loses_no_more_than_its_last_line() {
    let project = Project::new();
    let name = stage("a");
    let end = AttemptEnd {
        outcome: "ran".to_owned(),
        key: digest(1),
        seconds: 0.0,
    };
    for _ in 0..2 {
        let mut attempt = project.store.begin_attempt(&name).unwrap();
        project.store.finish_attempt(&mut attempt, &end).unwrap();
    }
    let session = std::fs::read_dir(project.at(".cache/attempts-v1")).unwrap();
    let journal = session.last().unwrap().unwrap().path().join("journal");
    let whole = std::fs::read(&journal).unwrap();
    let states = |bytes: &[u8]| -> Vec<_> {
        std::fs::write(&journal, bytes).unwrap();
        let attempts = project.another_store().attempts(&name).unwrap();
        attempts.into_iter().map(|attempt| attempt.state).collect()
    };
    let ended = AttemptState::Finished(end);
    assert_eq!(states(&whole), [ended.clone(), ended.clone()]);
    // The spool is held by this process, so an attempt without an end counts as running.
    assert_eq!(
        states(&whole[..whole.len() - 1]),
        [ended.clone(), ended.clone()]
    );
    assert_eq!(
        states(&whole[..whole.len() - 2]),
        [AttemptState::Running, ended]
    );
    assert_eq!(states(&whole[..3]), []);
}
