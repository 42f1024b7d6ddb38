//! What the server says of itself, and what every answer carries.

use hpipe_serve::Options;

use crate::support::{Served, request};

const ROW: &str = r#"{"rooms": 1, "ocean": "INLAND"}"#;

#[test]
fn every_answer_names_model_version_and_request() {
    let served = Served::start(Options::default());
    let mut ids = Vec::new();
    for answer in [
        served.predict(ROW),
        served.predict("nonsense"),
        served.get("/health"),
        served.get("/nowhere"),
        served.get("/predict"),
    ] {
        assert_eq!(answer.headers["x-model-name"], "house");
        assert_eq!(answer.headers["x-model-version"], "1");
        ids.push(answer.headers["x-request-id"].clone());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5, "each has its own: {ids:?}");
    let own = request(
        "/predict",
        "application/json",
        "X-Request-Id: order-7\r\n",
        ROW.as_bytes(),
    );
    assert_eq!(served.raw(&own).headers["x-request-id"], "order-7");
    let odd = format!("X-Request-Id: {}\r\n", "x".repeat(200));
    let odd = request("/predict", "application/json", &odd, ROW.as_bytes());
    assert!(served.raw(&odd).headers["x-request-id"].len() < 40);
}

#[test]
fn it_says_how_it_is() {
    let served = Served::start(Options::default());
    for (path, body) in [
        ("/health", r#"{"status":"ok"}"#),
        ("/ping", "\n"),
        ("/livez", "ok"),
        ("/readyz", "ok"),
    ] {
        let answer = served.get(path);
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{path}");
    }
    let version = served.get("/version").json();
    assert_eq!(
        (version["model"].as_str(), version["version"].as_str()),
        (Some("house"), Some("1"))
    );
    let model = &served.get("/models").json()["models"][0];
    assert_eq!(
        (model["stage"].as_str(), model["kind"].as_str()),
        (Some("Production"), Some("weigher"))
    );
    assert_eq!(model["inputs"][0]["range"][1], 50.0);
}

#[test]
fn other_methods_media_types_and_paths_are_refused() {
    let served = Served::start(Options::default());
    let wrong = served.get("/predict");
    assert_eq!(
        (wrong.status, wrong.headers["allow"].as_str()),
        (405, "POST")
    );
    let wrong = served.post("/health", "text/plain", b"");
    assert_eq!(
        (wrong.status, wrong.headers["allow"].as_str()),
        (405, "GET, HEAD")
    );
    assert_eq!(served.get("/nowhere").status, 404);
    assert_eq!(
        served.post("/predict", "text/html", ROW.as_bytes()).status,
        415
    );
    assert_eq!(served.raw(b"nonsense\r\n\r\n").status, 400);
}

/// The value of a series, in a text whose every line is well-formed.
fn value(text: &str, series: &str) -> Option<f64> {
    let mut found = None;
    for line in text.lines().filter(|line| !line.starts_with("# ")) {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        let value: f64 = value.parse().expect("a number");
        let bare = name.split('{').next().expect("a name");
        assert!(
            bare.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "{line}"
        );
        assert!(!name.contains('{') || name.ends_with("\"}"), "{line}");
        if name == series {
            found = Some(value);
        }
    }
    found
}

#[test]
fn what_happened_is_counted() {
    let served = Served::start(Options::default());
    served.predict(&format!("[{ROW}, {ROW}]"));
    served.predict("{}");
    served.predict(r#"{"rooms": 99, "ocean": "INLAND"}"#);
    let text = served.get("/metrics").body;
    let labels = r#"model="house",version="1""#;
    for (series, expect) in [
        (
            r#"hpipe_requests_total{route="/predict",status="200"}"#.to_owned(),
            2.0,
        ),
        (
            r#"hpipe_requests_total{route="/predict",status="422"}"#.to_owned(),
            1.0,
        ),
        (
            r#"hpipe_validation_faults_total{type="missing"}"#.to_owned(),
            2.0,
        ),
        (
            r#"hpipe_validation_warnings_total{type="less_than_equal"}"#.to_owned(),
            1.0,
        ),
        (format!("hpipe_rows_total{{{labels}}}"), 3.0),
        (
            format!("hpipe_request_duration_seconds_count{{{labels},route=\"/predict\"}}"),
            3.0,
        ),
        (
            format!(
                "hpipe_request_duration_seconds_bucket{{{labels},route=\"/predict\",le=\"+Inf\"}}"
            ),
            3.0,
        ),
    ] {
        assert_eq!(value(&text, &series), Some(expect), "{series}\n{text}");
    }
    let half =
        format!("hpipe_request_latency_seconds{{{labels},route=\"/predict\",quantile=\"0.5\"}}");
    assert!(
        value(&text, &half).is_some_and(|seconds| seconds > 0.0),
        "{text}"
    );
}
