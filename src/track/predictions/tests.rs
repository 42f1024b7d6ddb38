//! The log is written, read and joined through all its files, whoever writes besides.

use hpipe_core::{Column, Values};

use super::part::{APPLICATION, SCHEMA};
use super::*;

fn answered(request: &str, prices: &[f64]) -> Answered {
    let rows = Table::new(vec![
        Column::number("rooms", prices.iter().map(|p| Some(p / 2.0)).collect()),
        Column {
            name: "oc\"ean".to_owned(),
            values: Values::Text(prices.iter().map(|_| None).collect()),
        },
    ]);
    Answered {
        request: request.to_owned(),
        time: 7,
        name: "house".to_owned(),
        version: 2,
        digest: Digest::blake3([3; 32]),
        target: "price".to_owned(),
        is_shadow: false,
        latency: 41,
        rows: rows.expect("a table"),
        predictions: prices.to_vec(),
    }
}

/// What the log holds, a line a prediction.
fn shown(log: &PredictionLog) -> Vec<String> {
    let sql = "SELECT request || ' ' || row || ' ' || p.time || ' ' || name || '/' || v.version || ' ' || latency || ' '
               || features || ' ' || prediction || ' ' || coalesce(truth, '?')
               FROM predictions p JOIN versions v ON v.number = p.version ORDER BY p.number";
    let mut statement = log.part.connection.prepare(sql).expect("a statement");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.map(|row| row.expect("a text")).collect()
}

#[test]
fn a_log_that_was_removed_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut log = PredictionLog::open(folder.path()).expect("opened");
    log.append(&[answered("a", &[1.0])]).expect("appended");
    folder.close().expect("removed");
    log.append(&[]).expect("nothing is lost");
    let told = log.append(&[answered("b", &[5.0])]).expect_err("lost");
    assert!(
        told.to_string()
            .ends_with("was removed while it was in use"),
        "{told}"
    );
}

/// Who reads first and is overtaken is refused at once, however patient it is; so nobody reads first.
#[test]
fn whoever_writes_waits_for_who_was_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut log = PredictionLog::open(folder.path()).expect("opened");
    log.append(&[answered("a", &[1.0])]).expect("appended");
    let mut other = PredictionLog::open(folder.path()).expect("opened");
    let first = writing(&mut other.part.connection).expect("alone");
    first
        .execute("UPDATE predictions SET truth = 2", [])
        .expect("changed");
    let (begun, has_begun) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let late = scope.spawn(|| {
            begun.send(()).expect("somebody waits");
            log.append(&[answered("b", &[5.0])])
        });
        has_begun.recv().expect("it begins");
        for _ in 0..1000 {
            first
                .execute("UPDATE predictions SET truth = truth + 1", [])
                .expect("changed");
        }
        first.commit().expect("committed");
        late.join().expect("no panic").expect("appended, late");
    });
    assert_eq!(shown(&log).len(), 2);
}

#[test]
fn answers_are_appended_and_truths_added() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut log = PredictionLog::open(folder.path()).expect("opened");
    assert_eq!(log.target().expect("read"), None);
    log.append(&[answered("a", &[1.0, 3.0]), answered("b", &[5.0])])
        .expect("appended");
    let truth = |request: &str, row, value| Truth {
        request: request.to_owned(),
        row,
        value,
    };
    let join = |log: &mut PredictionLog, truths: &[Truth], replaces| {
        let mut join = log.join().expect("begun");
        join.add(truths).expect("added");
        let joined = join.finish(replaces).expect("joined");
        (
            joined.matched,
            joined.known,
            joined.conflicting,
            joined.unknown,
        )
    };
    let truths = [truth("a", 1, 2.5), truth("a", 2, 9.0), truth("c", 0, 9.0)];
    assert_eq!(join(&mut log, &truths, false), (1, 0, 0, 2));
    // said again, it is known; said otherwise, it is kept unless it shall be replaced; said twice, it counts once
    assert_eq!(join(&mut log, &truths[..1], false), (0, 1, 0, 0));
    let other = [truth("a", 1, 2.0), truth("a", 1, 2.0)];
    assert_eq!(join(&mut log, &other, false), (0, 0, 1, 0));
    assert_eq!(join(&mut log, &other, true), (1, 0, 0, 0));
    assert_eq!(join(&mut log, &truths[..1], true), (1, 0, 0, 0));
    let twice = log
        .join()
        .expect("begun")
        .add(&[truth("b", 0, 1.0), truth("b", 0, 2.0)]);
    let told = twice.expect_err("a contradiction").to_string();
    assert_eq!(told, "row 0 of the request `b` has two truths: 1 and 2");
    let log = PredictionLog::open(folder.path()).expect("opened again");
    assert_eq!(log.target().expect("read").as_deref(), Some("price"));
    assert_eq!(
        shown(&log),
        [
            r#"a 0 7 house/2 41 {"rooms":0.5,"oc\"ean":null} 1.0 ?"#,
            r#"a 1 7 house/2 41 {"rooms":1.5,"oc\"ean":null} 3.0 2.5"#,
            r#"b 0 7 house/2 41 {"rooms":2.5,"oc\"ean":null} 5.0 ?"#,
        ]
    );
}

#[test]
fn what_a_shadow_said_is_apart_and_learns_the_truth_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = part::path(folder.path(), 1);
    let old = Connection::open(&path).expect("opened");
    old.execute_batch(SCHEMA).expect("made"); // of version 1
    old.pragma_update(None, "application_id", APPLICATION)
        .expect("set");
    old.pragma_update(None, "user_version", 1).expect("set");
    drop(old);
    let mut log = PredictionLog::open(folder.path()).expect("opened");
    let shadow = Answered {
        is_shadow: true,
        version: 3,
        ..answered("a", &[7.0])
    };
    log.append(&[answered("a", &[1.0]), shadow])
        .expect("appended");
    assert_eq!(shown(&log).len(), 1);
    let mut join = log.join().expect("begun");
    let truth = Truth {
        request: "a".to_owned(),
        row: 0,
        value: 5.0,
    };
    join.add(&[truth]).expect("added");
    assert_eq!(join.finish(false).expect("joined").matched, 1);
    let sql = "SELECT v.version, p.prediction, p.truth FROM shadows p JOIN versions v ON v.number = p.version";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let said: (i64, f64, f64) = log.part.connection.query_row(sql, [], read).expect("a row");
    assert_eq!(said, (3, 7.0, 5.0));
}

#[test]
fn a_newer_log_and_another_file_are_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = PredictionLog::open(folder.path()).expect("opened");
    log.part
        .connection
        .pragma_update(None, "user_version", 9)
        .expect("set");
    let error = PredictionLog::open(folder.path())
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("its schema has version 9, this hpipe knows 3"),
        "{error}"
    );
}

/// Answers until so many files are there, each of a few rows.
fn rotated(folder: &Path, keep: Option<usize>, files: u32) -> (PredictionLog, Vec<Removed>) {
    let log = PredictionLog::open(folder).expect("opened");
    let mut log = log.with_rotation(Rotation {
        age: Some(10),
        keep,
        ..Rotation::default()
    });
    let mut removed = Vec::new();
    for turn in 0..files {
        let shadow = Answered {
            is_shadow: true,
            ..answered("s", &[7.0])
        };
        let answers = [answered(&format!("r{turn}"), &[1.0, 3.0]), shadow];
        log.append(&answers).expect("appended");
        assert_eq!(log.rotate(16).expect("young"), []);
        removed.extend(log.rotate(17).expect("rotated"));
    }
    (log, removed)
}

fn everything(log: &PredictionLog) -> Vec<(i64, Option<f64>)> {
    let asked = Asked {
        name: "house",
        version: None,
        since: 0,
        labelled: false,
    };
    let (mut after, mut all) = (0, Vec::new());
    loop {
        let page = log.answered(asked, after, 3).expect("read");
        let Some(last) = page.last() else { break all };
        after = last.number;
        all.extend(page.iter().map(|row| (row.number, row.truth)));
    }
}

#[test]
fn all_files_are_one_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut log, removed) = rotated(folder.path(), None, 3);
    assert_eq!(removed, []);
    assert_eq!(part::numbers(folder.path()).expect("listed"), [1, 2, 3, 4]);
    let numbers = |log: &PredictionLog| {
        everything(log)
            .into_iter()
            .map(|(n, _)| n)
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(&log), [1, 2, 3, 4, 5, 6]);
    assert_eq!(
        (log.newest().expect("read"), log.removed().expect("read")),
        (6, 0)
    );
    assert_eq!(log.shadowed("s").expect("read").len(), 3);
    assert_eq!(
        log.target().expect("read").as_deref(),
        Some("price"),
        "the newest file is empty"
    );
    let truth = |request: &str, row| Truth {
        request: request.to_owned(),
        row,
        value: 9.0,
    };
    let mut join = log.join().expect("begun");
    let truths = [truth("r0", 1), truth("r2", 0), truth("r2", 9)];
    join.add(&truths).expect("added");
    let joined = join.finish(false).expect("joined");
    assert_eq!((joined.matched, joined.unknown), (2, 1));
    let again = PredictionLog::open(folder.path()).expect("opened");
    let known = everything(&again)
        .into_iter()
        .filter(|(_, truth)| truth.is_some());
    assert_eq!(known.map(|(number, _)| number).collect::<Vec<_>>(), [2, 5]);
    log.append(&[answered("r9", &[1.0])]).expect("appended");
    assert_eq!(
        again.newest().expect("read"),
        7,
        "who opened it before sees it, too"
    );
}

#[test]
fn only_as_many_files_are_kept_as_asked_and_what_went_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let reader = PredictionLog::open(folder.path()).expect("opened");
    let (mut log, removed) = rotated(folder.path(), Some(2), 3);
    assert_eq!(
        removed,
        [],
        "somebody has the first file open, and none goes before it"
    );
    drop(reader);
    let removed = log.rotate(17).expect("rotated");
    let paths = [part::path(folder.path(), 1), part::path(folder.path(), 2)];
    let rows = removed.iter().map(|one| one.rows).collect::<Vec<_>>();
    assert_eq!(rows, [2, 2]);
    assert!(removed.iter().map(|one| &one.path).eq(&paths));
    assert_eq!(log.removed().expect("read"), 4);
    let all = everything(&log);
    assert_eq!(
        all.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        [5, 6]
    );
    let mut left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .collect();
    assert_eq!(left.len(), 1, "nothing of the first: {left:?}");
    left.clear();
    drop(log);
    assert!(PredictionLog::exists(folder.path()));
    let log = PredictionLog::open(folder.path()).expect("opened");
    assert_eq!(log.newest().expect("read"), 6);
}

/// Whoever writes to a file that another has left goes on where that one does.
#[test]
fn two_servers_write_one_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut slow = PredictionLog::open(folder.path()).expect("opened");
    slow.append(&[answered("a", &[1.0])]).expect("appended");
    let (mut quick, _) = rotated(folder.path(), None, 2);
    slow.append(&[answered("b", &[1.0, 2.0])])
        .expect("appended");
    quick.append(&[answered("c", &[1.0])]).expect("appended");
    let numbers: Vec<_> = everything(&slow).into_iter().map(|(n, _)| n).collect();
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
    assert_eq!(slow.part.number, quick.part.number);
}

/// Killed between making a file and filling it with tables: whoever comes next does.
#[test]
fn a_file_that_was_only_begun_is_made_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, _) = rotated(folder.path(), None, 1);
    drop(log);
    let half = part::path(folder.path(), 3);
    drop(std::fs::File::create(&half).expect("made"));
    let mut log = PredictionLog::open(folder.path()).expect("opened");
    log.append(&[answered("z", &[1.0])]).expect("appended");
    let numbers: Vec<_> = everything(&log).into_iter().map(|(n, _)| n).collect();
    assert_eq!((log.part.number, numbers), (3, vec![1, 2, 3]));
}

/// What is begun and cannot be made whole, for want of room or since it is somebody else's, keeps nobody from appending.
#[test]
fn a_file_that_cannot_be_made_costs_no_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = PredictionLog::open(folder.path()).expect("opened");
    let mut log = log.with_rotation(Rotation {
        age: Some(10),
        ..Rotation::default()
    });
    log.append(&[answered("a", &[1.0])]).expect("appended");
    let next = part::path(folder.path(), 2);
    std::fs::create_dir(next.parent().expect("a folder")).expect("made");
    let other = Connection::open(&next).expect("opened");
    other
        .execute_batch("CREATE TABLE other (x)")
        .expect("another program's");
    log.rotate(17).expect_err("2.db cannot be made");
    log.append(&[answered("b", &[1.0])]).expect("appended");
    assert_eq!((log.part.number, log.part.ends().expect("read").0), (1, 2));
    other.execute_batch("DROP TABLE other").expect("empty");
    log.rotate(17).expect("made");
    log.append(&[answered("c", &[1.0])]).expect("appended");
    let numbers: Vec<_> = everything(&log).into_iter().map(|(n, _)| n).collect();
    assert_eq!((log.part.number, numbers), (2, vec![1, 2, 3]));
}
