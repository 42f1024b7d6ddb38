//! KServe's protocols, and the description of the interface.

use hpipe_serve::Options;
use serde_json::{Value, json};

use crate::support::{Answer, Served};

const JSON: &str = "application/json";

fn infer(served: &Served, body: &Value) -> Answer {
    served.post("/v2/models/house/infer", JSON, body.to_string().as_bytes())
}

fn tensor(name: &str, shape: &[usize], datatype: &str, data: Value) -> Value {
    json!({"name": name, "shape": shape, "datatype": datatype, "data": data})
}

#[test]
fn tensors_are_columns_or_a_table() {
    let served = Served::start(Options::default());
    let rooms = tensor("rooms", &[2], "FP64", json!([1, 2.5]));
    let ocean = tensor("ocean", &[2, 1], "BYTES", json!([["INLAND"], ["NEAR BAY"]]));
    let asked = json!({"id": "q-1", "inputs": [ocean, rooms], "outputs": [{"name": "price"}]});
    let answer = infer(&served, &asked).json();
    let expect = json!({
        "id": "q-1", "model_name": "house", "model_version": "1",
        "outputs": [{"name": "price", "datatype": "FP64", "shape": [2], "data": [2.0, 105.0]}],
    });
    assert_eq!(answer, expect);
    for data in [
        json!([1, 2, "INLAND", false, 2, null, "NEAR BAY", null]),
        json!([[1, 2, "INLAND", false], [2, null, "NEAR BAY", null]]),
    ] {
        let asked = json!({"inputs": [tensor("input-0", &[2, 4], "BYTES", data)]});
        let answer = served.post(
            "/v2/models/house/versions/1/infer",
            JSON,
            asked.to_string().as_bytes(),
        );
        assert_eq!(answer.json()["outputs"][0]["data"], json!([4.0, 104.0]));
    }
}

#[test]
fn faults_are_told_in_the_protocols_words() {
    let served = Served::start(Options::default());
    let check = |inputs: Value, status: u16, expect: &str| {
        let answer = infer(&served, &json!({"inputs": inputs}));
        assert_eq!(answer.status, status, "{answer:?}");
        let error = answer.json()["error"]
            .as_str()
            .expect("an error")
            .to_owned();
        assert!(error.contains(expect), "{error}");
    };
    let rooms =
        |shape: &[usize], datatype: &str, data: Value| tensor("rooms", shape, datatype, data);
    check(
        json!([rooms(&[1], "FP64", json!([1]))]),
        400,
        "inputs.0.ocean: Field required",
    );
    check(
        json!([rooms(&[2], "FP64", json!([1]))]),
        400,
        "`rooms` has 1 elements, which its shape [2] has not",
    );
    check(
        json!([rooms(&[1], "FP8", json!([1]))]),
        400,
        "is of no known datatype",
    );
    check(
        json!([
            rooms(&[1, 2], "FP64", json!([1, 2])),
            rooms(&[1], "FP64", json!([1]))
        ]),
        400,
        "whose shape is [n]",
    );
    check(
        json!([tensor("x", &[1, 3], "FP64", json!([1, 2, 3]))]),
        400,
        "has 3 columns, and the model takes 4",
    );
    check(
        json!([rooms(&[usize::MAX, 1], "FP64", json!([1, 2]))]),
        413,
        "at most 100000 rows",
    );
    check(
        json!([tensor("x", &[1 << 62, 4], "FP64", json!([1, 2]))]),
        413,
        "at most 100000 rows",
    );
    check(
        json!([
            rooms(&[2], "FP64", json!([1, 2])),
            rooms(&[2], "FP64", json!([1, 2]))
        ]),
        400,
        "Field should be there once",
    );
    check(
        json!([["rooms", [1], "FP64", [1]]]),
        400,
        "JSON decode error",
    );
    check(
        json!([rooms(&[1], "FP64", json!([[[1]]]))]),
        400,
        "nested deeper",
    );
    let ocean = tensor("ocean", &[1], "BYTES", json!(["INLAND"]));
    check(
        json!([rooms(&[1], "BYTES", json!(["many"])), ocean]),
        400,
        "Input should be a valid number",
    );
    check(json!({}), 400, "JSON decode error");
    let absent = served.post("/v2/models/castle/infer", JSON, b"{}");
    assert_eq!(absent.status, 404);
    assert_eq!(
        absent.json()["error"],
        "there is no model castle here; house/1 is served"
    );
    assert_eq!(served.get("/v2/models/house/versions/7").status, 404);
    assert_eq!(served.get("/v2/models/house/infer").status, 405);
}

#[test]
fn both_protocols_say_how_the_model_is() {
    let served = Served::start(Options::default());
    assert_eq!(served.get("/v2/health/live").json(), json!({"live": true}));
    assert_eq!(
        served.get("/v2/health/ready").json(),
        json!({"ready": true})
    );
    assert_eq!(served.get("/v2").json()["name"], "hpipe");
    let ready = json!({"name": "house", "ready": true});
    assert_eq!(served.get("/v2/models/house/ready").json(), ready);
    assert_eq!(served.get("/v1/models/house").json(), ready);
    let model = served.get("/v2/models/house").json();
    assert_eq!(model["versions"], json!(["1"]));
    assert_eq!(
        model["inputs"][1],
        json!({"name": "age", "datatype": "INT64", "shape": [-1]})
    );
    assert_eq!(model["outputs"][0]["name"], "price");
    let body = r#"{"instances": [{"rooms": 1, "ocean": "INLAND"}]}"#;
    let answer = served.post("/v1/models/house:predict", JSON, body.as_bytes());
    assert_eq!(answer.predictions(), [2.0]);
    let wrong = served.post(
        "/v1/models/house:predict",
        JSON,
        br#"{"instances": [{"rooms": 1}]}"#,
    );
    assert_eq!(wrong.status, 400);
    assert_eq!(
        wrong.json()["error"],
        "body.instances.0.ocean: Field required"
    );
}

#[test]
fn the_document_is_of_the_model() {
    let served = Served::start(Options::default());
    let document = served.get("/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(
        (&document["info"]["title"], &document["info"]["version"]),
        (&json!("house"), &json!("1"))
    );
    let row = &document["components"]["schemas"]["Row"];
    assert_eq!(row["required"], json!(["rooms", "ocean"]));
    assert_eq!(row["additionalProperties"], false);
    assert_eq!(row["properties"]["age"]["type"], json!(["integer", "null"]));
    assert_eq!(
        row["properties"]["ocean"]["enum"],
        json!(["INLAND", "NEAR BAY"])
    );
    assert_eq!(
        row["properties"]["rooms"]["description"],
        "Training saw 0 to 50."
    );
    let example = row["examples"][0].to_string();
    assert_eq!(served.predict(&example).predictions().len(), 1, "{example}");
    for (path, item) in document["paths"].as_object().expect("paths") {
        let is_asking = item.get("post").is_some();
        assert_eq!(served.get(path).status == 405, is_asking, "{path}");
    }
    check_references(&document, &document);
    let page = served.get("/docs");
    assert!(page.headers["content-type"].starts_with("text/html"));
    assert!(
        page.body
            .contains("<td><code>rooms</code><td>number<td>no<td>0 to 50"),
        "{}",
        page.body
    );
    assert!(
        !page.body.contains("http://") && !page.body.contains("https://"),
        "it works offline"
    );
}

/// Every reference leads somewhere.
fn check_references(value: &Value, document: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                let pointer = reference.trim_start_matches('#');
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
            fields
                .values()
                .for_each(|field| check_references(field, document));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| check_references(item, document)),
        _ => {}
    }
}
