//! The log in several files: begun, removed and counted as asked, whatever ends the server.

use serde_json::Value;

use crate::served::{ROW, Serving, curl, registered};
use crate::support::Project;

const WORDS: [&str; 6] = ["serve", "--port", "0", "--json", "--log-size", "1"];

/// Asks for a thousand rows, under an id.
fn ask(serving: &Serving, id: &str) {
    let rows = format!("[{}]", vec![ROW; 1000].join(","));
    let header = format!("X-Request-Id: {id}");
    let answer = curl(&[
        "-H",
        &header,
        "-d",
        &rows,
        &format!("{}/predict", serving.url),
    ]);
    assert_eq!(answer.status, 200);
}

/// A counter of the server.
fn counted(serving: &Serving, name: &str) -> u64 {
    let metrics = curl(&[&format!("{}/metrics", serving.url)]).body;
    let mut lines = metrics.lines().filter_map(|line| line.split_once(' '));
    let found = lines.find(|(known, _)| *known == name);
    found
        .unwrap_or_else(|| panic!("{metrics}"))
        .1
        .parse()
        .expect("a number")
}

/// Waits until so many rows are logged.
fn logged(serving: &Serving, rows: u64) {
    let begun = std::time::Instant::now();
    while counted(serving, "hpipe_log_rows_total") < rows {
        assert!(
            begun.elapsed().as_secs() < 60,
            "{rows} rows are never logged"
        );
    }
}

fn files(project: &Project) -> Vec<String> {
    let names = project.files().into_keys();
    let mut names: Vec<_> = names
        .filter(|name| name.starts_with("models/predictions") && name.ends_with(".db"))
        .collect();
    names.sort();
    names
}

/// How many predictions know their truth, when row 3 of these requests is said to be true.
fn joined(project: &Project, ids: &[String]) -> Value {
    let rows: String = ids.iter().map(|id| format!("{id},3,1.5\n")).collect();
    project.write("sold.csv", &format!("id,row,price\n{rows}"));
    let words = ["predictions", "join", "sold.csv", "--json"];
    let output = project.hpipe(words).output().expect("hpipe starts");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Killed again and again: each row that was logged is there, once, in whichever file.
#[test]
fn a_killed_server_leaves_a_log_that_goes_on() {
    let project = registered();
    let mut ids = Vec::new();
    for turn in 0..3 {
        let mut serving = Serving::start_as(&project, &WORDS);
        for request in 0..8 {
            ids.push(format!("r-{turn}-{request}"));
            ask(&serving, &ids[ids.len() - 1]);
        }
        logged(&serving, 8000);
        serving.child.kill().expect("it runs"); // SIGKILL
        serving.child.wait().expect("it ends");
    }
    assert!(files(&project).len() > 1, "{:?}", files(&project));
    let told = joined(&project, &ids);
    assert_eq!(
        (&told["matched"], &told["unknown"]),
        (&24.into(), &0.into()),
        "{told}"
    );
    let monitor = ["monitor", "house/1", "--log", "--json"];
    let output = project.hpipe(monitor).output().expect("hpipe starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let last: Value = serde_json::from_str(said.lines().last().expect("a line")).expect("JSON");
    assert!(
        said.contains("24000"),
        "the monitor sees all rows: {last} {output:?}"
    );
}

/// Old files go, which is told and counted; what is left is still a log.
#[test]
fn old_files_are_removed_as_asked_and_never_silently() {
    let project = registered();
    let words = [&WORDS[..], &["--log-keep", "2"]].concat();
    let serving = Serving::start_as(&project, &words);
    for request in 0..40_u64 {
        ask(&serving, &format!("r-{request}"));
        logged(&serving, 1000 * (request + 1));
    }
    assert_eq!(counted(&serving, "hpipe_log_lost_rows_total"), 0);
    let counted = counted(&serving, "hpipe_log_removed_rows_total");
    let said = serving.last_words().into_iter();
    let told = said.filter(|said| said["event"] == "log_removed");
    let removed = told.map(|said| said["rows"].as_u64().expect("a number"));
    let removed: u64 = removed.sum();
    assert!(removed > 0 && counted <= removed, "{counted} {removed}");
    assert_eq!(files(&project).len(), 2, "{:?}", files(&project));
    let ids: Vec<_> = (0..40).map(|request| format!("r-{request}")).collect();
    let joined = joined(&project, &ids);
    assert_eq!(joined["matched"], 40 - removed / 1000, "{joined}");
    let monitor = project.hpipe(["monitor", "house/1", "--log"]).output();
    let said = String::from_utf8_lossy(&monitor.expect("hpipe starts").stderr).into_owned();
    assert!(
        said.contains("were removed with old files of the log"),
        "{said}"
    );
}
