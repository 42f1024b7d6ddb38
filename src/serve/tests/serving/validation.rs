//! What is wrong with rows is told where it is, in pydantic's words.

use hpipe_serve::{Options, Treatment};
use serde_json::{Value, json};

use crate::support::{PANICS, REFUSED, Served};

/// The faults of an answer: `type at loc`.
fn told(body: &Value, key: &str) -> Vec<String> {
    let details = body[key].as_array().cloned().unwrap_or_default();
    let one = |detail: &Value| {
        let loc: Vec<_> = detail["loc"].as_array().expect("a place").iter().collect();
        let loc: Vec<_> = loc
            .iter()
            .map(|step| step.to_string().replace('"', ""))
            .collect();
        format!(
            "{} at {}",
            detail["type"].as_str().expect("a type"),
            loc.join(".")
        )
    };
    details.iter().map(one).collect()
}

#[test]
fn every_fault_has_its_type_and_place() {
    let served = Served::start(Options::default());
    for (body, expect) in [
        ("{}", "missing at body.rooms; missing at body.ocean"),
        (
            r#"{"rooms": "3", "ocean": "INLAND"}"#,
            "float_type at body.rooms",
        ),
        (
            r#"{"rooms": null, "ocean": "INLAND"}"#,
            "float_type at body.rooms",
        ),
        (
            r#"{"rooms": [3], "ocean": {"a": 1}}"#,
            "float_type at body.rooms; string_type at body.ocean",
        ),
        (
            r#"{"rooms": 3, "age": 1.5, "ocean": "INLAND"}"#,
            "int_from_float at body.age",
        ),
        (
            r#"{"rooms": 3, "age": 18446744073709551615, "ocean": "INLAND"}"#,
            "int_parsing_size at body.age",
        ),
        (
            r#"{"rooms": 3, "ocean": "INLAND", "new": 1}"#,
            "bool_type at body.new",
        ),
        (r#"{"rooms": 3, "ocean": 7}"#, "string_type at body.ocean"),
        (r#"{"rooms": 3, "ocean": "MARS"}"#, "enum at body.ocean"),
        (
            r#"{"rooms": 3, "ocean": "INLAND", "romos": 1}"#,
            "extra_forbidden at body.romos",
        ),
        (
            r#"[{"rooms": 1, "ocean": "INLAND"}, {"rooms": true, "ocean": "INLAND"}]"#,
            "float_type at body.1.rooms",
        ),
        (
            r#"[1]"#,
            "dict_type at body.0; missing at body.0.rooms; missing at body.0.ocean",
        ),
        (
            r#"[[1, 2]]"#,
            "too_short at body.0; missing at body.0.ocean",
        ),
        (r#"[[1, 2, "INLAND", true, 5]]"#, "too_long at body.0"),
        (r#"7"#, "dict_type at body"),
        (r#""rows""#, "dict_type at body"),
        (r#"{"columns": ["rooms"]}"#, "missing at body"),
        (
            r#"{"columns": ["rooms", "ocean", "x"], "data": [[1, "INLAND", 2]]}"#,
            "extra_forbidden at body.data.x",
        ),
        (
            r#"{"dataframe_split": {"data": []}}"#,
            "missing at body.dataframe_split",
        ),
        (
            r#"{"dataframe_records": [{"ocean": "INLAND"}]}"#,
            "missing at body.dataframe_records.0.rooms",
        ),
        (
            r#"{"inputs": {"rooms": [1, 2], "ocean": ["INLAND"]}}"#,
            "value_error at body.inputs",
        ),
    ] {
        let answer = served.predict(body);
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
        assert_eq!(told(&answer.json(), "detail").join("; "), expect, "{body}");
    }
    let fault = served
        .predict(r#"{"rooms": 3, "ocean": "INLAND", "romos": 1}"#)
        .json();
    assert_eq!(
        fault["detail"][0]["msg"],
        "The model takes no such column; did you mean `rooms`?"
    );
}

#[test]
fn what_is_no_json_is_told_as_such() {
    let served = Served::start(Options::default());
    let deep = "[".repeat(100_000);
    for body in [
        "",
        " ",
        "{",
        r#"{"rooms": 1"#,
        r#"{"rooms": NaN}"#,
        "[1] 2",
        r#"{"rooms": 1e999}"#,
        "{'rooms': 1}",
        r#"{"instances": 3}"#,
        deep.as_str(),
    ] {
        let answer = served.predict(body);
        assert_eq!(answer.status, 422, "{answer:?}");
        assert_eq!(
            answer.json()["detail"][0]["type"],
            "json_invalid",
            "{answer:?}"
        );
    }
    let not_utf8 = served.post("/predict", "application/json", b"{\"ro\xffoms\": 1}");
    assert_eq!(not_utf8.status, 422);
}

#[test]
fn ranges_are_warned_of_refused_or_ignored() {
    let body = r#"[{"rooms": 1, "ocean": "INLAND"}, {"rooms": 60.5, "ocean": "INLAND"}, {"rooms": -1, "ocean": "INLAND"}]"#;
    let with = |out_of_range| Options {
        out_of_range,
        ..Options::default()
    };
    let places = [
        "less_than_equal at body.1.rooms",
        "greater_than_equal at body.2.rooms",
    ];
    let warned = Served::start(with(Treatment::Warn)).predict(body);
    assert_eq!(warned.predictions(), [2.0, 121.0, -2.0]);
    assert_eq!(told(&warned.json(), "warnings"), places);
    let refused = Served::start(with(Treatment::Reject)).predict(body);
    assert_eq!(
        (refused.status, told(&refused.json(), "detail")),
        (422, places.map(str::to_owned).to_vec())
    );
    assert_eq!(
        refused.json()["detail"][0],
        json!({
            "type": "less_than_equal", "loc": ["body", 1, "rooms"], "input": 60.5, "ctx": {"ge": 0.0, "le": 50.0},
            "msg": "Input should be less than or equal to 50: training saw 0 to 50",
        })
    );
    let ignored = Served::start(with(Treatment::Ignore)).predict(body);
    assert_eq!(
        (
            ignored.predictions().len(),
            told(&ignored.json(), "warnings").len()
        ),
        (3, 0)
    );
}

#[test]
fn unknown_columns_may_be_ignored() {
    let served = Served::start(Options {
        unknown_columns: Treatment::Ignore,
        ..Options::default()
    });
    let answer = served.predict(r#"{"id": "x", "rooms": 3, "ocean": "INLAND", "more": [1, {}]}"#);
    assert_eq!(answer.predictions(), [6.0]);
}

#[test]
fn of_many_faults_the_first_are_told_and_all_counted() {
    let served = Served::start(Options::default());
    let rows = vec![r#"{"rooms": "x", "ocean": "INLAND"}"#; 500];
    let body = served.predict(&format!("[{}]", rows.join(","))).json();
    assert_eq!(body["detail"].as_array().expect("details").len(), 100);
    assert_eq!(body["count"], 500);
}

#[test]
fn what_the_model_refuses_has_its_place() {
    let served = Served::start(Options::default());
    let body = format!(
        r#"[{{"rooms": 1, "ocean": "INLAND"}}, {{"rooms": {REFUSED}, "ocean": "INLAND"}}]"#
    );
    let answer = served.predict(&body);
    assert_eq!(answer.status, 422);
    assert_eq!(
        told(&answer.json(), "detail"),
        ["value_error at body.1.rooms"]
    );
    assert_eq!(answer.json()["detail"][0]["msg"], "no such room: build one");
}

#[test]
fn a_bug_in_a_model_ends_nothing() {
    let served = Served::start(Options::default());
    let body = format!(r#"{{"rooms": {PANICS}, "ocean": "INLAND"}}"#);
    let padded = format!("{body}{}", " ".repeat(20_000)); // on another thread
    for body in [body, padded] {
        let answer = served.predict(&body);
        assert_eq!(answer.status, 500, "{answer:?}");
        assert!(
            answer.body.contains("error[E107]: this is a bug in hpipe"),
            "{answer:?}"
        );
    }
    assert_eq!(
        served
            .predict(r#"{"rooms": 1, "ocean": "INLAND"}"#)
            .predictions(),
        [2.0]
    );
    assert!(
        served
            .get("/metrics")
            .body
            .contains("\nhpipe_panics_total 2\n")
    );
    assert!(served.told().contains("E107"));
}
