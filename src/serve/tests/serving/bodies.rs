//! Every way to write rows means the same rows.

use hpipe_serve::Options;

use crate::support::Served;

const JSON: &str = "application/json";

#[test]
fn every_body_of_predict_is_understood() {
    let served = Served::start(Options::default());
    for (body, expect) in [
        (
            r#"{"rooms": 3, "age": 1, "ocean": "INLAND", "new": true}"#,
            vec![7.5],
        ),
        (r#"{"ocean": "NEAR BAY", "rooms": 3.5}"#, vec![107.0]),
        (
            r#"{"rooms": 3, "age": null, "ocean": "INLAND", "price": 9}"#,
            vec![6.0],
        ),
        (r#"[]"#, vec![]),
        (
            r#"[{"rooms": 1, "ocean": "INLAND"}, {"rooms": 2, "age": 4.0, "ocean": "NEAR BAY"}]"#,
            vec![2.0, 108.0],
        ),
        (
            r#"[[1, 2, "INLAND", false], [2, null, "INLAND", null]]"#,
            vec![4.0, 4.0],
        ),
        (
            r#"{"columns": ["ocean", "rooms"], "data": [["INLAND", 1], ["NEAR BAY", 2]]}"#,
            vec![2.0, 104.0],
        ),
        (
            r#"{"data": [["INLAND", 1], ["NEAR BAY", 2]], "columns": ["ocean", "rooms"]}"#,
            vec![2.0, 104.0],
        ),
        (
            r#"{"instances": [{"rooms": 1, "ocean": "INLAND"}]}"#,
            vec![2.0],
        ),
    ] {
        assert_eq!(served.predict(body).predictions(), expect, "{body}");
    }
}

#[test]
fn mlflows_bodies_are_understood() {
    let served = Served::start(Options::default());
    for body in [
        r#"{"dataframe_split": {"columns": ["rooms", "ocean"], "index": [0, 1], "data": [[1, "INLAND"], [2, "NEAR BAY"]]}}"#,
        r#"{"dataframe_split": {"data": [[1, "INLAND"], [2, "NEAR BAY"]], "columns": ["rooms", "ocean"]}}"#,
        r#"{"dataframe_records": [{"rooms": 1, "ocean": "INLAND"}, {"rooms": 2, "ocean": "NEAR BAY"}], "params": {}}"#,
        r#"{"instances": [{"rooms": 1, "ocean": "INLAND"}, {"rooms": 2, "ocean": "NEAR BAY"}]}"#,
        r#"{"instances": [[1, null, "INLAND", null], [2, null, "NEAR BAY", null]]}"#,
        r#"{"inputs": {"rooms": [1, 2], "ocean": ["INLAND", "NEAR BAY"]}}"#,
        r#"{"inputs": {"rooms": [[1], [2]], "ocean": [["INLAND"], ["NEAR BAY"]]}}"#,
        r#"{"inputs": [{"rooms": 1, "ocean": "INLAND"}, {"rooms": 2, "ocean": "NEAR BAY"}]}"#,
    ] {
        let answer = served.post("/invocations", JSON, body.as_bytes());
        assert_eq!(answer.predictions(), [2.0, 104.0], "{body}");
    }
    let beside = br#"{"instances": [{"rooms": 1, "ocean": "INLAND"}], "foo": 1}"#;
    let beside = served.post("/invocations", JSON, beside);
    assert_eq!(beside.status, 422, "{beside:?}");
    assert_eq!(
        beside.json()["detail"][0]["loc"],
        serde_json::json!(["body", "foo"])
    );
    let bare = served.post("/invocations", JSON, br#"[{"rooms": 1}]"#);
    assert_eq!(bare.status, 422, "{bare:?}");
    let nothing = served.post("/invocations", JSON, b"{}");
    assert_eq!(nothing.status, 422, "{nothing:?}");
}

#[test]
fn csv_is_read_by_the_models_types() {
    let served = Served::start(Options::default());
    for (csv, expect) in [
        (
            "rooms,age,ocean,new\n1,2,INLAND,true\n2,,NEAR BAY,\n",
            vec![4.5, 104.0],
        ),
        (
            "\u{feff}\"ocean\",rooms\r\n\"INLAND\",1e0\r\n\r\n",
            vec![2.0],
        ),
        ("rooms,ocean,price\n1,INLAND,3", vec![2.0]),
        ("rooms,ocean\n", vec![]),
        (
            "rooms,age,ocean\n1,5.0,INLAND\n1, 5 ,INLAND\n",
            vec![7.0, 7.0],
        ),
    ] {
        let answer = served.post("/predict", "text/csv; charset=utf-8", csv.as_bytes());
        assert_eq!(answer.predictions(), expect, "{csv:?}");
        let answer = served.post("/invocations", "text/csv", csv.as_bytes());
        assert_eq!(answer.predictions(), expect, "{csv:?}");
    }
    for (csv, why) in [
        ("", "CSV should begin with the names of columns"),
        ("rooms,ocean\n1,\"IN", "CSV ends within a quoted field"),
        (
            "rooms,ocean\n1,\"IN\"x\n",
            "CSV has a text behind a quoted field",
        ),
        ("rooms,ocean\n1\n", "Row should have 2 values, not 1"),
        (
            "rooms,age,ocean\n1,20.5,INLAND\n",
            "got a number with a fractional part",
        ),
        (
            "rooms,rooms,ocean\n1,2,INLAND\n",
            "Field should be there once",
        ),
        (
            "rooms,ocean\nfoo,INLAND\n",
            "Input should be a valid number",
        ),
        (
            "rooms,ocean\ninf,INLAND\n",
            "Input should be a finite number",
        ),
    ] {
        let answer = served.post("/predict", "text/csv", csv.as_bytes());
        assert_eq!(answer.status, 422, "{answer:?}");
        assert!(answer.body.contains(why), "{csv:?}: {answer:?}");
    }
}

#[test]
fn numbers_keep_every_bit() {
    let served = Served::start(Options::default());
    for rooms in [
        0.1_f64,
        1.0 / 3.0,
        2.2250738585072014e-308,
        4.9e-324,
        49.99999999999999,
    ] {
        let body = format!(r#"{{"rooms": {rooms:?}, "ocean": "INLAND"}}"#);
        let csv = format!("rooms,ocean\n{rooms:?},INLAND\n");
        let predicted = served.predict(&body).predictions();
        assert_eq!(predicted[0].to_bits(), (2.0 * rooms).to_bits(), "{rooms}");
        let predicted = served
            .post("/predict", "text/csv", csv.as_bytes())
            .predictions();
        assert_eq!(predicted[0].to_bits(), (2.0 * rooms).to_bits(), "{rooms}");
    }
}

#[test]
fn a_large_batch_is_the_rows_one_by_one() {
    let served = Served::start(Options::default());
    let rows: Vec<_> = (0..2000)
        .map(|i| {
            format!(
                r#"{{"rooms": {}, "ocean": "INLAND"}}"#,
                f64::from(i) / 101.0
            )
        })
        .collect();
    let all = served
        .predict(&format!("[{}]", rows.join(",")))
        .predictions();
    assert_eq!(all.len(), 2000);
    for i in [0, 7, 1999] {
        assert_eq!(
            served.predict(&rows[i]).predictions()[0].to_bits(),
            all[i].to_bits()
        );
    }
}

#[test]
fn a_body_says_its_rows_in_one_way() {
    let served = Served::start(Options::default());
    for body in [
        r#"{"columns": ["rooms", "ocean"], "data": [[1, "INLAND"]], "rooms": 5}"#,
        r#"{"instances": [], "rooms": 5}"#,
        r#"{"instances": [{"rooms": 1, "ocean": "INLAND"}], "inputs": [{"rooms": 2, "ocean": "INLAND"}]}"#,
        r#"{"dataframe_records": [], "columns": ["rooms"], "data": [[1]]}"#,
    ] {
        let answer = served.predict(body);
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
        assert_eq!(
            answer.json()["detail"][0]["type"],
            "extra_forbidden",
            "{body}"
        );
    }
}

/// Which of two values is meant nobody could say.
#[test]
fn a_name_is_there_once() {
    let served = Served::start(Options::default());
    for (body, place) in [
        (
            r#"{"rooms": 1, "rooms": 2, "ocean": "INLAND"}"#,
            "body.rooms",
        ),
        (
            r#"[{"rooms": 1, "ocean": "INLAND"}, {"rooms": 1, "ocean": null, "ocean": "INLAND"}]"#,
            "body.1.ocean",
        ),
        (
            r#"{"columns": ["rooms", "ocean", "rooms"], "data": [[1, "INLAND", 2]]}"#,
            "body.data.rooms",
        ),
        (
            r#"{"columns": ["rooms", "ocean"], "data": [], "data": [[1, "INLAND"]]}"#,
            "body.data",
        ),
        (
            r#"{"data": [[1, "INLAND"]], "columns": ["ocean"], "columns": ["rooms", "ocean"]}"#,
            "body.columns",
        ),
        (
            r#"{"inputs": {"rooms": [1], "ocean": ["INLAND"], "rooms": [2]}}"#,
            "body.inputs.rooms",
        ),
    ] {
        let answer = served.predict(body);
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
        let details = answer.json()["detail"].as_array().expect("details").clone();
        let twice = details
            .iter()
            .find(|detail| detail["type"] == "duplicate_key");
        let twice = twice.unwrap_or_else(|| panic!("{body}: {answer:?}"));
        let steps = twice["loc"].as_array().expect("a place").iter();
        let steps: Vec<_> = steps
            .map(|step| step.to_string().replace('"', ""))
            .collect();
        assert_eq!(steps.join("."), place, "{body}");
    }
}

/// Rows that come before the names of their columns are read in a second pass, with the same faults at the same places.
#[test]
fn rows_before_their_names_are_the_same_rows() {
    let served = Served::start(Options::default());
    let told = |body: &str| served.predict(body).json();
    for (names, rows) in [
        (
            r#"["ocean", "rooms"]"#,
            r#"[["INLAND", 1], ["NEAR BAY", 2]]"#,
        ),
        (r#"["ocean", "rooms"]"#, r#"[["INLAND", "x"], [3, 2], [1]]"#),
        (
            r#"["ocean", "x", "rooms"]"#,
            r#"[["INLAND", {"a": []}, 1]]"#,
        ),
    ] {
        let after = format!(r#"{{"columns": {names}, "data": {rows}}}"#);
        let before = format!(r#"{{"data": {rows}, "columns": {names}}}"#);
        assert_eq!(told(&before), told(&after), "{before}");
        let [before, after] =
            [before, after].map(|body| format!(r#"{{"dataframe_split": {body}}}"#));
        assert_eq!(told(&before), told(&after), "{before}");
    }
}

#[test]
fn packed_bodies_are_told_to_be_unpacked() {
    let served = Served::start(Options::default());
    let row = br#"{"rooms": 1, "ocean": "INLAND"}"#;
    let send = |encoding: &str| {
        let header = format!("Content-Encoding: {encoding}\r\n");
        served.raw(&crate::support::request("/predict", JSON, &header, row))
    };
    let packed = send("gzip");
    assert_eq!(packed.status, 415, "{packed:?}");
    assert_eq!(packed.json()["detail"][0]["type"], "content_encoding");
    assert_eq!(packed.headers["accept-encoding"], "identity");
    assert_eq!(send("Identity").status, 200);
}
