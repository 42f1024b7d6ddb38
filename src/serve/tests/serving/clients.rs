//! The clients that people use: Python's requests, MLflow's own, Triton's for V2, Prometheus' parser, a validator of OpenAPI, and
//! schemathesis, which sends what the document permits and what it does not.

use std::path::Path;
use std::process::Command;

use hpipe_serve::Options;

use crate::peers;
use crate::support::Served;

const PACKAGES: &[&[&str]] = &[&[
    "requests",
    "pandas",
    "prometheus_client",
    "openapi-spec-validator",
    "tritonclient[http]",
    "mlflow-skinny",
    "scipy", // of which its client asks whether it is there
]];

fn here(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/serving")
        .join(name)
}

#[test]
fn real_clients_get_what_they_ask_for() {
    let Some(programs) = peers::ready("serving-clients", PACKAGES) else {
        return;
    };
    let served = Served::start(Options::default());
    let mut python = Command::new(programs.join("python"));
    let said = peers::run(python.arg(here("clients.py")).arg(served.url())).unwrap();
    assert_eq!(said.lines().count(), 5, "{said}");
}

/// Whatever is sent to the routes that the document describes, none of the answers is the server's fault.
#[test]
fn schemathesis_finds_no_fault_of_the_server() {
    let Some(programs) = peers::ready("schemathesis", &[&["schemathesis"]]) else {
        return;
    };
    let served = Served::start(Options::default());
    let mut schemathesis = Command::new(programs.join("schemathesis"));
    let folder = tempfile::tempdir().unwrap();
    schemathesis
        .current_dir(folder.path())
        .args(["run", &format!("{}/openapi.json", served.url())])
        .args(["--checks", "not_a_server_error,content_type_conformance"])
        .args(["--max-examples", "40", "--seed", "1", "--no-color"]);
    if let Err(said) = peers::run(&mut schemathesis) {
        panic!("{said}");
    }
    let text = served.get("/metrics").body;
    assert!(text.contains("\nhpipe_panics_total 0\n"), "{text}");
    assert!(
        text.contains("status=\"422\""),
        "what is wrong was tried: {text}"
    );
}
