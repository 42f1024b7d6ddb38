//! What is recorded reaches an existing server: whole, once, and also when the server was away at first.
//!
//! The server is `hpipe server` of another project; `tests/mlflow_client.rs` does the same with MLflow's own.

mod support;

use serde_json::{Value, json};
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

fn push(project: &Project, url: &str) -> Value {
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
    assert_eq!(push(&here, &server.url)["runs"], 0);
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
    assert_eq!(push(&here, &server.url)["runs"], 3);
    assert_eq!(push(&here, &server.url)["runs"], 0);
    // Under another address nothing is noted of it: what it has is found there, and not made again.
    let again = server.url.replace("127.0.0.1", "localhost");
    assert_eq!(push(&here, &again)["runs"], 3);
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
    let sent = push(&here, &server.url);
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
    assert_eq!(push(&here, &server.url)["versions"], 2);
    let expect = [
        json!(["1", "Archived", []]),
        json!(["2", "Production", ["champion"]]),
    ];
    assert_eq!(versions(&server), expect);
    assert_eq!(push(&here, &server.url)["versions"], 0);
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
