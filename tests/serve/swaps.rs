//! Versions that are exchanged while somebody asks, and rows that mean the same whichever way they come.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::served::{ROW, Serving, curl, done, registered};
use crate::support::serving::ask;

#[test]
fn a_promotion_and_a_rollback_reach_the_server() {
    let project = registered();
    let mut serving = Serving::start(&project);
    let row = r#"{"income": 10.0, "age": 3}"#;
    let linear = serving.predict(row);
    assert!((linear[0] - 20.0).abs() < 1e-6, "{linear:?}");
    let promote = [
        "models",
        "promote",
        "house/2",
        "Production",
        "--archive-existing",
    ];
    done(&mut project.hpipe(promote));
    let said = serving.says();
    assert_eq!(
        (&said["event"], &said["to"]),
        (&"swapped".into(), &"house/2".into()),
        "{said}"
    );
    let tree = serving.predict(row);
    assert_ne!(tree, linear);
    done(&mut project.hpipe(["models", "rollback", "house"]));
    assert_eq!(serving.says()["to"], "house/1");
    assert_eq!(serving.predict(row), linear);
    assert!(serving.stop().success());
}

/// One row and all rows, JSON and CSV: the same bits.
#[test]
fn a_row_means_the_same_however_it_is_asked() {
    let project = registered();
    done(&mut project.hpipe([
        "models",
        "promote",
        "house/2",
        "Production",
        "--archive-existing",
    ]));
    let serving = Serving::start(&project);
    let data = project.read("data.csv");
    let records: Vec<_> = data
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<_> = line.split(',').collect();
            format!(r#"{{"income": {}, "age": {}}}"#, cells[0], cells[1])
        })
        .collect();
    let all = serving.predict(&format!("[{}]", records.join(",")));
    for (i, record) in records.iter().enumerate().step_by(17) {
        assert_eq!(
            serving.predict(record)[0].to_bits(),
            all[i].to_bits(),
            "{record}"
        );
    }
    assert!(serving.stop().success());
}

/// Whoever asks while versions come and go is answered, each time by exactly one of them.
#[test]
fn nobody_notices_promotions_and_rollbacks_but_by_the_version() {
    let project = registered();
    let mut serving = Serving::start(&project);
    let is_done = AtomicBool::new(false);
    let url = serving.url.clone();
    let rows = format!("[{ROW},{ROW},{ROW}]");
    let answers = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut answers = Vec::new();
            while !is_done.load(Ordering::Acquire) || answers.len() < 20 {
                let answer = curl(&["-d", &rows, &format!("{url}/predict")]);
                assert_eq!(answer.status, 200, "{answer:?}");
                answers.push((answer.header("X-Model-Version").to_owned(), answer.body));
            }
            answers
        });
        for _ in 0..5 {
            let promote = [
                "models",
                "promote",
                "house/2",
                "Production",
                "--archive-existing",
            ];
            done(&mut project.hpipe(promote));
            assert_eq!(serving.says()["to"], "house/2");
            done(&mut project.hpipe(["models", "rollback", "house"]));
            assert_eq!(serving.says()["to"], "house/1");
        }
        is_done.store(true, Ordering::Release);
        asking.join().expect("no failed answer")
    });
    let mut known = std::collections::BTreeMap::new();
    for (version, body) in answers {
        let answer: Value = serde_json::from_str(&body).expect("JSON");
        let all = answer["predictions"].as_array().expect("predictions");
        assert!(all.iter().all(|one| *one == all[0]), "{body}");
        assert_eq!(
            *known.entry(version).or_insert_with(|| all[0].clone()),
            all[0]
        );
    }
    assert!(serving.stop().success());
}

/// A version whose bytes are not what was registered takes nobody's place.
#[test]
fn a_damaged_file_leaves_the_version_that_answers() {
    let project = registered();
    done(&mut project.hpipe(["models", "alias", "house/1", "candidate"]));
    let words = ["serve", "house@candidate", "--port", "0", "--json"];
    let mut serving = Serving::start_as(&project, &words);
    let before = serving.predict(ROW);
    let show = project
        .hpipe(["models", "show", "house/2", "--json"])
        .output();
    let show: Value = serde_json::from_slice(&show.expect("hpipe starts").stdout).expect("JSON");
    let mut damaged = 0;
    for path in project
        .files()
        .keys()
        .filter(|path| path.starts_with("models/artifacts/"))
    {
        let bytes = std::fs::read(project.root().join(path)).expect("a file");
        if bytes == std::fs::read(project.root().join("decision_tree.safetensors")).expect("a file")
        {
            project.write(path, "no model");
            damaged += 1;
        }
    }
    assert!(damaged > 0, "{show}: {:?}", project.files().keys());
    done(&mut project.hpipe(["models", "alias", "house/2", "candidate"]));
    let said = serving.says();
    let told = said["message"].as_str().expect("a message");
    assert_eq!(said["event"], "warning", "{said}");
    assert!(told.starts_with("house/1 answers on: failed to "), "{said}");
    assert_eq!(serving.predict(ROW), before);
    let (_, metrics) = ask(&serving.url, "GET", "/metrics", "").expect("answered");
    assert!(
        metrics.contains("\nhpipe_failed_swaps_total 1\n"),
        "{metrics}"
    );
    done(&mut project.hpipe(["models", "alias", "house/1", "candidate"]));
    assert_eq!(serving.predict(ROW), before);
    assert!(serving.stop().success());
}
