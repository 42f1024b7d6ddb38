//! What is recorded reaches an existing server: whole, once, and also when the server was away at first.
//!
//! The server is `hpipe server` of another project; `tests/mlflow_client.rs` does the same with MLflow's own.

mod support;

use std::net::TcpListener;
use std::process::Stdio;

use serde_json::{Value, json};
use support::meddling::{Meddler, Trouble};
use support::serving::Serving;
use support::{Project, text};

const PIPELINE: &str = "
stages:
  fit:
    track: {experiment: prices, tags: {team: blue}}
    cmd: |
      echo model $(cat raw) > model.pkl
      printf 'step,loss\\n0,2.5\\n1,0.5\\n' > curve.csv
      echo '{\"rmse\": 0.5}' > metrics.json
    deps: [raw]
    params: [n]
    outs: [model.pkl]
    metrics: [metrics.json: {cache: false}]
    plots: [curve.csv: {cache: false}]
";

fn project() -> Project {
    Project::in_memory_with(&[
        ("pipeline.yaml", PIPELINE),
        ("params.yaml", "n: 1\n"),
        ("raw", "b\na\n"),
    ])
}

/// What a command says on stdout and stderr; it must end well.
#[track_caller]
fn said(project: &Project, words: &[&str]) -> String {
    let output = project.hpipe(words.iter().copied()).output();
    let output = output.expect("hpipe starts");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{words:?}: {said}");
    said
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn push_to(project: &Project, url: &str) -> Value {
    let said = said(project, &["runs", "push", "--to", url, "--json"]);
    support::parse_event(said.trim_end())
}

/// The runs of an experiment on the server.
fn runs(server: &Serving, experiment: &str) -> Vec<Value> {
    let all = server.call("/experiments/search", &json!({"max_results": 100}));
    let all = all.expect("an answer");
    let known = all["experiments"].as_array().expect("experiments");
    let known = known.iter().find(|known| known["name"] == experiment);
    let Some(known) = known else {
        return Vec::new();
    };
    let query = json!({"experiment_ids": [known["experiment_id"]]});
    let found = server.call("/runs/search", &query).expect("an answer");
    found["runs"].as_array().cloned().unwrap_or_default()
}

fn value<'a>(pairs: &'a Value, key: &str) -> &'a Value {
    let pairs = pairs.as_array().map_or(&[][..], Vec::as_slice);
    let found = pairs.iter().find(|pair| pair["key"] == key);
    found.map_or(&Value::Null, |pair| &pair["value"])
}

#[test]
fn a_run_is_there_with_all_it_logged() {
    let (here, there) = (project(), Project::new());
    let server = Serving::start(there.root());
    here.write(
        "hpipe.toml",
        &format!("[tracking]\nuri = '{}'\n", server.url),
    );
    let said = said(&here, &["repro"]);
    assert!(
        said.contains(&format!("sent 1 run to {}", server.url)),
        "{said}"
    );
    let runs = runs(&server, "prices");
    let [run] = runs.as_slice() else {
        panic!("one run: {runs:?}")
    };
    assert_eq!(
        (&run["info"]["status"], &run["info"]["run_name"]),
        (&json!("FINISHED"), &json!("fit"))
    );
    assert!(run["info"]["end_time"].as_i64() >= run["info"]["start_time"].as_i64());
    assert_eq!(value(&run["data"]["params"], "n"), "1");
    assert_eq!(value(&run["data"]["metrics"], "rmse"), 0.5);
    assert_eq!(value(&run["data"]["tags"], "team"), "blue");
    assert_eq!(run["inputs"]["dataset_inputs"][0]["dataset"]["name"], "raw");
    let id = text(&run["info"]["run_id"]);
    let path = format!("/api/2.0/mlflow/metrics/get-history?run_id={id}&metric_key=loss");
    let (_, history) = server.ask("GET", &path, "").expect("an answer");
    let history = json_of(&history);
    let steps: Vec<_> = history["metrics"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|metric| (metric["step"].as_i64(), metric["value"].as_f64()))
        .collect();
    assert_eq!(steps, [(Some(0), Some(2.5)), (Some(1), Some(0.5))]);
    let uri = text(&run["info"]["artifact_uri"])
        .strip_prefix("mlflow-artifacts:/")
        .expect("its own");
    let path = format!("/api/2.0/mlflow-artifacts/artifacts/{uri}/model.pkl");
    assert_eq!(
        server.ask("GET", &path, "").expect("an answer").1,
        "model b a\n"
    );
    here.repro([]).did_nothing("and nothing is sent again");
    assert_eq!(push_to(&here, &server.url)["runs"], 0);
}

#[test]
fn a_server_that_was_away_gets_everything_once() {
    let (here, there) = (project(), Project::new());
    let away = "http://127.0.0.1:9"; // the discard port: nobody listens
    here.write("hpipe.toml", &format!("[tracking]\nuri = '{away}'\n"));
    for n in 1..=3 {
        here.write("params.yaml", &format!("n: {n}\n"));
        let said = said(&here, &["repro"]);
        assert!(
            said.contains(&format!("failed to send to {away}")),
            "{said}"
        );
    }
    let output = here.hpipe(["runs", "push"]).output().expect("hpipe starts");
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let server = Serving::start(there.root());
    assert_eq!(push_to(&here, &server.url)["runs"], 3);
    assert_eq!(push_to(&here, &server.url)["runs"], 0);
    // Under another address nothing is noted of it: what it has is found there, and not made again.
    let again = server.url.replace("127.0.0.1", "localhost");
    assert_eq!(push_to(&here, &again)["runs"], 3);
    let mut params: Vec<_> = runs(&server, "prices")
        .iter()
        .map(|run| text(value(&run["data"]["params"], "n")).to_owned())
        .collect();
    params.sort();
    assert_eq!(params, ["1", "2", "3"]);
}

/// The versions of `house` on the server: number, stage, aliases.
fn versions(server: &Serving) -> Vec<Value> {
    let path = "/api/2.0/mlflow/model-versions/search?filter=name%3D%27house%27";
    let (_, found) = server.ask("GET", path, "").expect("an answer");
    let found = json_of(&found);
    let mut versions = found["model_versions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    versions.sort_by_key(|version| text(&version["version"]).to_owned());
    let told = versions.iter().map(|version| {
        json!([
            version["version"],
            version["current_stage"],
            version["aliases"]
        ])
    });
    told.collect()
}

#[test]
fn registered_models_follow_with_their_stages_and_files() {
    let (here, there) = (project(), Project::new());
    let server = Serving::start(there.root());
    said(&here, &["repro"]);
    said(
        &here,
        &["models", "register", "model.pkl", "--name", "house"],
    );
    said(&here, &["models", "register", "raw", "--name", "by hand"]);
    said(&here, &["models", "promote", "house/1", "Production"]);
    said(&here, &["models", "alias", "house/1", "champion"]);
    let sent = push_to(&here, &server.url);
    assert_eq!(
        (&sent["runs"], &sent["versions"]),
        (&json!(1), &json!(2)),
        "{sent}"
    );
    assert_eq!(
        versions(&server),
        [json!(["1", "Production", ["champion"]])]
    );
    let path = "/api/2.0/mlflow/model-versions/get-download-uri?name=house&version=1";
    let (_, uri) = server.ask("GET", path, "").expect("an answer");
    let uri = json_of(&uri);
    let folder = text(&uri["artifact_uri"])
        .strip_prefix("mlflow-artifacts:/")
        .expect("its own");
    let path = format!("/api/2.0/mlflow-artifacts/artifacts/{folder}/hpipe/model/model.pkl");
    assert_eq!(
        server.ask("GET", &path, "").expect("an answer").1,
        "model b a\n"
    );
    here.write("params.yaml", "n: 2\n");
    here.write("raw", "c\n");
    said(&here, &["repro"]);
    said(
        &here,
        &["models", "register", "model.pkl", "--name", "house"],
    );
    said(
        &here,
        &[
            "models",
            "promote",
            "house/2",
            "Production",
            "--archive-existing",
        ],
    );
    said(&here, &["models", "alias", "house/2", "champion"]);
    assert_eq!(push_to(&here, &server.url)["versions"], 2);
    let expect = [
        json!(["1", "Archived", []]),
        json!(["2", "Production", ["champion"]]),
    ];
    assert_eq!(versions(&server), expect);
    assert_eq!(push_to(&here, &server.url)["versions"], 0);
}

#[test]
fn an_address_that_is_none_is_told() {
    let here = project();
    said(&here, &["repro"]);
    let output = here
        .hpipe(["runs", "push", "--to", "mlflow.example"])
        .output();
    let output = output.expect("hpipe starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("an address is `http://HOST:PORT`"), "{told}");
}

/// A run with more values than one call takes, and a version it made.
const LONG: &str = "
stages:
  fit:
    track: {experiment: prices}
    cmd: |
      echo model $(cat raw) > model.pkl
      { echo step,loss; seq 0 1199 | sed 's/.*/&,0.&/'; } > curve.csv
    deps: [raw]
    params: [n]
    outs: [model.pkl]
    plots: [curve.csv: {cache: false}]
";

/// A project with a run and a version that no server has yet.
fn recorded() -> Project {
    let here = project();
    here.write("pipeline.yaml", LONG);
    said(&here, &["repro"]);
    let register = "models register model.pkl --name house";
    for words in [
        register,
        "models promote house/1 Production",
        "models alias house/1 champion",
    ] {
        said(&here, &words.split(' ').collect::<Vec<_>>());
    }
    here
}

/// Fails unless the server has the run and the version of [`recorded`], once and whole.
#[track_caller]
fn has_all_once(server: &Serving, trouble: Trouble) {
    let runs = runs(server, "prices");
    let [run] = runs.as_slice() else {
        panic!("{trouble:?}: one run: {runs:?}")
    };
    assert_eq!(run["info"]["status"], "FINISHED", "{trouble:?}");
    assert_eq!(value(&run["data"]["params"], "n"), "1", "{trouble:?}");
    let id = text(&run["info"]["run_id"]);
    let path = format!("/api/2.0/mlflow/metrics/get-history?run_id={id}&metric_key=loss");
    let (_, history) = server.ask("GET", &path, "").expect("an answer");
    let history = json_of(&history);
    let mut steps: Vec<_> = history["metrics"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|metric| metric["step"].as_i64())
        .collect();
    steps.sort_unstable();
    assert_eq!(steps, (0..1200).collect::<Vec<_>>(), "{trouble:?}");
    let expect = [json!(["1", "Production", ["champion"]])];
    assert_eq!(versions(server), expect, "{trouble:?}");
    let path = "/api/2.0/mlflow/model-versions/get-download-uri?name=house&version=1";
    let (_, uri) = server.ask("GET", path, "").expect("an answer");
    let uri = json_of(&uri);
    let folder = text(&uri["artifact_uri"])
        .strip_prefix("mlflow-artifacts:/")
        .expect("its own");
    let path = format!("/api/2.0/mlflow-artifacts/artifacts/{folder}/hpipe/model/model.pkl");
    let model = server.ask("GET", &path, "").expect("an answer").1;
    assert_eq!(model, "model b a\n", "{trouble:?}");
}

/// Whatever goes wrong at each request in turn, in the end everything is there once.
#[test]
fn no_trouble_loses_or_doubles_anything() {
    let here = recorded();
    for trouble in [
        Trouble::Nothing,
        Trouble::KilledBefore,
        Trouble::KilledAfter,
        Trouble::Busy,
        Trouble::CutAnswer,
        Trouble::Silence,
    ] {
        let there = Project::in_memory();
        let server = Serving::start(there.root());
        let between = Meddler::before(&server.url, trouble);
        let mut push = here.hpipe(["runs", "push", "--to", &between.url, "-q"]);
        push.env("MLFLOW_HTTP_REQUEST_TIMEOUT", "1.5");
        let mut failed = 0;
        while !between.run(push.stderr(Stdio::null())).success() {
            failed += 1;
            assert!(failed < 200, "{trouble:?}: it never comes to an end");
        }
        let requests = between.requests();
        let expect = match trouble {
            Trouble::Nothing => 0,
            Trouble::KilledBefore | Trouble::KilledAfter => requests,
            // what is refused of a run does not keep the versions from being tried
            Trouble::Busy => requests / 2,
            Trouble::CutAnswer => 1,
            Trouble::Silence => requests / 5,
        };
        assert!(failed >= expect, "{trouble:?}: {failed} of {requests}");
        has_all_once(&server, trouble);
        let again = push_to(&here, &between.url);
        assert_eq!(
            (&again["runs"], &again["versions"]),
            (&json!(0), &json!(0)),
            "{trouble:?}"
        );
    }
}

/// Two that send at once: what one has sent, the other does not send again.
#[test]
fn two_at_once_send_everything_once() {
    let (here, there) = (recorded(), Project::in_memory());
    let server = Serving::start(there.root());
    let start = || {
        let mut push = here.hpipe(["runs", "push", "--to", &server.url, "--json"]);
        push.stdout(Stdio::piped()).spawn().expect("hpipe starts")
    };
    let sent = [start(), start()].map(|push| {
        let output = push.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        support::parse_event(said.trim_end())["runs"].as_u64()
    });
    assert_eq!(sent.iter().flatten().sum::<u64>(), 1, "{sent:?}");
    has_all_once(&server, Trouble::Nothing);
}

/// A server that listens and never answers holds nobody up for long, and fails no execution.
#[test]
fn a_server_that_hangs_fails_no_execution() {
    let here = project();
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    here.write(
        "hpipe.toml",
        &format!("[tracking]\nuri = 'http://{address}'\n"),
    );
    let mut repro = here.hpipe(["repro"]);
    let output = repro.env("MLFLOW_HTTP_REQUEST_TIMEOUT", "0.2").output();
    let output = output.expect("hpipe starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(
        told.contains("failed to send to http://127.0.0.1"),
        "{told}"
    );
    assert!(told.contains("timeout"), "{told}");
    let mut push = here.hpipe(["runs", "push"]);
    let output = push.env("MLFLOW_HTTP_REQUEST_TIMEOUT", "soon").output();
    let told = String::from_utf8_lossy(&output.expect("hpipe starts").stderr).into_owned();
    assert!(
        told.contains("MLFLOW_HTTP_REQUEST_TIMEOUT is `soon`, which is no number of seconds"),
        "{told}"
    );
}
