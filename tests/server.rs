//! `hpipe server` as a process: what was acknowledged survives its death, it ends when it is told to, and damage is told.

#![allow(
    clippy::disallowed_methods,
    reason = "files are damaged on purpose, in a folder of the test's own"
)]

mod support;

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use serde_json::{Value, json};
use support::serving::{Serving, ask};
use support::{Live, Project, make_fifo};

/// Clients that log at once.
const CLIENTS: usize = 8;

/// Values acknowledged before the server is killed.
const ENOUGH: usize = 60;

fn begin_run(server: &Serving) -> String {
    let made = server.call(
        "/runs/create",
        &json!({"experiment_id": "0", "start_time": 1}),
    );
    let made = made.expect("answered");
    made["run"]["info"]["run_id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

fn history(server: &Serving, run: &str, key: &str) -> Vec<i64> {
    let path = format!("/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key={key}");
    let (status, body) = server.ask("GET", &path, "").expect("answered");
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let metrics = body["metrics"].as_array().cloned().unwrap_or_default();
    let steps = metrics.iter().map(|metric| metric["step"].as_i64());
    steps.map(|step| step.expect("a step")).collect()
}

/// Logs steps to a metric until the server is gone; each that was acknowledged is noted.
fn log_until_death(
    url: &str,
    run: &str,
    client: usize,
    acknowledged: &Mutex<Vec<(usize, i64)>>,
    tell: &dyn Fn(),
) {
    for step in 0.. {
        let metric = json!({"run_id": run, "key": format!("m{client}"), "value": 1.0, "timestamp": 1, "step": step});
        match ask(
            url,
            "POST",
            "/api/2.0/mlflow/runs/log-metric",
            &metric.to_string(),
        ) {
            Some((200, _)) => {
                acknowledged.lock().expect("a list").push((client, step));
                tell();
            }
            _ => return,
        }
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let project = Project::new();
    let server = Serving::start(project.root());
    let run = begin_run(&server);
    let url = server.url.clone();
    let acknowledged = Mutex::new(Vec::new());
    let (told, heard) = channel();
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (url, run, acknowledged, told) = (&url, &run, &acknowledged, told.clone());
            scope.spawn(move || {
                log_until_death(url, run, client, acknowledged, &|| {
                    let _ = told.send(()); // nobody listens once there is enough
                });
            });
        }
        for _ in 0..ENOUGH {
            heard.recv().expect("a client logs");
        }
        server.kill();
    });
    let server = Serving::start(project.root());
    let found: Vec<_> = (0..CLIENTS)
        .map(|client| history(&server, &run, &format!("m{client}")))
        .collect();
    let acknowledged = acknowledged.into_inner().expect("a list");
    assert!(acknowledged.len() >= ENOUGH);
    for (client, step) in acknowledged {
        assert!(found[client].contains(&step), "m{client} lost step {step}");
    }
    assert!(server.stop().success());
}

#[test]
fn it_ends_when_told_and_its_database_is_whole() {
    let project = Project::new();
    let server = Serving::start(project.root());
    assert_eq!(
        server.ask("GET", "/health", ""),
        Some((200, "OK".to_owned()))
    );
    let run = begin_run(&server);
    assert!(server.stop().success());
    assert!(!project.root().join("models/track.db-wal").exists());
    let server = Serving::start(project.root());
    let path = format!("/api/2.0/mlflow/runs/get?run_id={run}");
    assert_eq!(server.ask("GET", &path, "").expect("answered").0, 200);
}

/// The files of objects below the folder of artifacts.
fn objects(project: &Project) -> Vec<PathBuf> {
    let folder = project.root().join("models/artifacts/objects-v1");
    let fans = fs::read_dir(folder).expect("objects");
    let entries =
        fans.flat_map(|fan| fs::read_dir(fan.expect("a folder").path()).expect("a folder"));
    entries.map(|entry| entry.expect("a file").path()).collect()
}

#[test]
fn a_damaged_artifact_is_told_with_its_code() {
    let project = Project::new();
    let server = Serving::start(project.root());
    let path = "/api/2.0/mlflow-artifacts/artifacts/0/r/artifacts/model.bin";
    let put = server.ask("PUT", path, "weights").expect("answered");
    assert_eq!(put.0, 200);
    assert_eq!(
        server.ask("GET", path, ""),
        Some((200, "weights".to_owned()))
    );
    let object = objects(&project).remove(0);
    fs::remove_file(&object).expect("removed");
    fs::write(&object, "weightz").expect("written");
    let (status, body) = server.ask("GET", path, "").expect("answered");
    assert_eq!(status, 500);
    assert!(
        body.contains("error[E110]: failed to read the artifact `0/r/artifacts/model.bin`"),
        "{body}"
    );
}

/// What a version holds was verified when it was registered.
#[test]
fn no_client_changes_what_a_version_holds() {
    let project = Project::with(&[("m.bin", "weights")]);
    let words = ["models", "register", "m.bin", "--name", "house"];
    let registered = project.hpipe(words).output().expect("hpipe starts");
    assert!(registered.status.success(), "{registered:?}");
    let server = Serving::start(project.root());
    let base = "/api/2.0/mlflow-artifacts/artifacts/";
    for path in ["registry/1/1/hpipe/model/m.bin", "%72egistry/1/1/more"] {
        for method in ["PUT", "DELETE"] {
            let answer = server.ask(method, &format!("{base}{path}"), "evil");
            let (status, body) = answer.expect("answered");
            assert_eq!(status, 400, "{method} {path}: {body}");
            assert!(body.contains("belongs to a registered version"), "{body}");
        }
    }
    let create = "/api/2.0/mlflow-artifacts/mpu/create/registry/1/1/hpipe/model";
    let (status, body) = server
        .ask("POST", create, r#"{"path": "m.bin", "num_parts": 1}"#)
        .expect("answered");
    assert_eq!(status, 400, "{body}");
    let whole = server.ask("GET", &format!("{base}registry/1/1/hpipe/model/m.bin"), "");
    assert_eq!(whole, Some((200, "weights".to_owned())));
}

#[test]
fn many_clients_lose_nothing() {
    let project = Project::new();
    let server = Serving::start(project.root());
    let run = begin_run(&server);
    std::thread::scope(|scope| {
        for client in 0..32 {
            let (server, run) = (&server, &run);
            scope.spawn(move || {
                for step in 0..10 {
                    let metrics = json!([{"key": format!("m{client}"), "value": step, "timestamp": 1, "step": step}]);
                    let params = json!([{"key": format!("p{client}.{step}"), "value": "x"}]);
                    let batch = json!({"run_id": run, "metrics": metrics, "params": params});
                    server.call("/runs/log-batch", &batch).expect("answered");
                }
            });
        }
    });
    for client in 0..32 {
        assert_eq!(history(&server, &run, &format!("m{client}")).len(), 10);
    }
}

/// Moves version 1 of `house`; status and body.
fn transition(url: &str, stage: &str) -> (u16, String) {
    let asked = json!({"name": "house", "version": "1", "stage": stage});
    let path = "/api/2.0/mlflow/model-versions/transition-stage";
    ask(url, "POST", path, &asked.to_string()).expect("answered")
}

/// A project with a stage of its own, a version whose gate of latency guards it, and a tracked command that waits.
fn staged() -> Project {
    let pipeline = "
stages:
  register:
    uses: register
    with: {name: house, gates: {Canary: {latency: {p99_ms: 5}}}}
    deps: {model: m.bin}
    outs: {record: registration.json}
  fit: {track: true, cmd: 'echo $MLFLOW_TRACKING_URI > told; read line < go; touch done', outs: [done]}
";
    let project = Project::with(&[
        ("pipeline.yaml", pipeline),
        ("m.bin", "weights"),
        ("hpipe.toml", "[registry]\nstages = ['Canary', 'Shadow']\n"),
    ]);
    project.repro(["register"]).done();
    project
}

/// Fails unless the server at `url` knows the stages of the project, and asks somebody who can load models for latencies.
#[track_caller]
fn knows_the_project(url: &str) {
    let (status, body) = transition(url, "shadow");
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("\"current_stage\":\"Shadow\""), "{body}");
    let (status, body) = transition(url, "Canary");
    assert_eq!(status, 409, "{body}"); // a status from 500 on would have MLflow's client try again for minutes
    assert!(
        body.contains("the latency of one row was not measured"),
        "{body}"
    );
    assert!(!body.contains("nobody here can load models"), "{body}");
}

/// A server started by hand, anywhere in the project.
#[test]
fn a_server_knows_the_stages_and_gates_of_its_project() {
    let project = staged();
    let sub = project.path("deep/er");
    fs::create_dir_all(&sub).expect("a folder");
    let server = Serving::start(&sub);
    knows_the_project(&server.url);
}

/// The server of a tracked command.
#[test]
fn the_server_of_a_command_knows_the_stages_and_gates_of_its_project() {
    let project = staged();
    let (told, go) = (project.path("told"), project.path("go"));
    make_fifo(&told);
    make_fifo(&go);
    let mut live = Live::start(&mut project.hpipe(["repro", "fit", "--json"]));
    let url = fs::read_to_string(&told).expect("an address");
    knows_the_project(url.trim());
    fs::write(&go, "on\n").expect("released");
    live.until("finished");
    assert!(live.finish().0.success());
}

/// Settings that cannot be read are told, not passed over.
#[test]
fn a_server_with_faulty_settings_does_not_start() {
    let project = Project::with(&[("hpipe.toml", "[registry]\nstages = 7\n")]);
    let served = project.hpipe(["server", "--port", "0"]).output();
    let served = served.expect("hpipe starts");
    assert_eq!(served.status.code(), Some(3), "{served:?}");
}

/// A program without machine learning says so.
#[cfg(not(feature = "ml"))]
#[test]
fn without_machine_learning_nothing_is_served() {
    let project = Project::with(&[("m.bin", "weights")]);
    let words = ["models", "register", "m.bin", "--name", "house"];
    assert!(
        project
            .hpipe(words)
            .status()
            .expect("hpipe starts")
            .success()
    );
    let served = project.hpipe(["serve", "house@latest"]).output();
    let served = served.expect("hpipe starts");
    assert_eq!(served.status.code(), Some(2));
    let said = String::from_utf8_lossy(&served.stderr);
    assert!(
        said.contains("this hpipe was built without machine learning"),
        "{said}"
    );
}
