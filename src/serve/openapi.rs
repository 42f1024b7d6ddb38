//! The interface as OpenAPI 3.1 and as a page for people, both made of the schema of the model that answers.

use hpipe_core::{Input, Type};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::lineup::Served;
use crate::media::{ARROW_FILE, ARROW_STREAM};
use crate::options::Treatment;

/// The document of `/openapi.json`.
pub(crate) fn document(app: &App, served: &Served) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": served.name,
            "version": served.version.to_string(),
            "description": format!("Predicts `{}`.", served.shape.target),
        },
        "paths": paths(),
        "components": {"schemas": schemas(app, served)},
    })
}

fn paths() -> Value {
    let mut paths = Map::new();
    for (path, summary, body) in [
        ("/predict", "Predict rows", "Rows"),
        ("/invocations", "Predict rows, as MLflow asks", "Invocation"),
    ] {
        paths.insert(
            path.to_owned(),
            json!({"post": asking(path, summary, body)}),
        );
    }
    for (path, summary) in [
        ("/health", "Whether the server is there"),
        ("/version", "Which version answers"),
        ("/models", "The model, and the columns it takes"),
    ] {
        let found = json!({"description": "As asked", "content": {"application/json": {"schema": {"type": "object"}}}});
        paths.insert(path.to_owned(), telling(path, summary, &found));
    }
    for (path, summary) in [
        ("/livez", "Whether the program runs"),
        ("/metrics", "Counters for Prometheus"),
    ] {
        let found = json!({"description": "As asked", "content": {"text/plain": {"schema": {"type": "string"}}}});
        paths.insert(path.to_owned(), telling(path, summary, &found));
    }
    Value::Object(paths)
}

fn telling(path: &str, summary: &str, found: &Value) -> Value {
    json!({"get": {"summary": summary, "operationId": name(path), "responses": {"200": found}}})
}

/// The name of an operation: letters of its path.
fn name(path: &str) -> String {
    path.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn asking(path: &str, summary: &str, body: &str) -> Value {
    let fault = |what: &str| {
        let schema = json!({"$ref": "#/components/schemas/Fault"});
        json!({"description": what, "content": {"application/json": {"schema": schema}}})
    };
    let predictions = json!({"$ref": "#/components/schemas/Predictions"});
    let table =
        |what: &str| json!({"schema": {"type": "string", "format": "binary", "description": what}});
    json!({
        "summary": summary,
        "operationId": name(path),
        "requestBody": {"required": true, "content": {
            "application/json": {"schema": {"$ref": format!("#/components/schemas/{body}")}},
            "text/csv": {"schema": {"type": "string", "description": "A line of names, then rows."}},
            (ARROW_STREAM): table("A table, as stream or file of Arrow's IPC, its buffers not packed."),
            (ARROW_FILE): table("A table, as stream or file of Arrow's IPC, its buffers not packed."),
        }},
        "responses": {
            "200": {
                "description": "The predictions, in the order of the rows",
                "content": {
                    "application/json": {"schema": predictions},
                    (ARROW_STREAM): table("One column, `predictions`; warnings are in the schema's metadata, as JSON."),
                    (ARROW_FILE): table("One column, `predictions`; warnings are in the schema's metadata, as JSON."),
                },
            },
            "408": fault("The body did not arrive in time"),
            "413": fault("The body is too large, or has too many rows"),
            "415": fault("The body is neither JSON, CSV nor Arrow"),
            "422": fault("The rows are not what the model takes"),
            "503": fault("The server works on as many requests as it may"),
            "504": fault("The answer takes too long"),
        },
    })
}

fn schemas(app: &App, served: &Served) -> Value {
    let row = json!({"$ref": "#/components/schemas/Row"});
    let records = json!({"type": "array", "items": row});
    let values = json!({"type": "array", "items": {"type": "array", "items": {}}});
    let split = json!({
        "type": "object",
        "required": ["columns", "data"],
        "properties": {"columns": {"type": "array", "items": {"type": "string"}}, "data": values},
    });
    let body = |word: &str, schema: &Value| {
        let mut properties = Map::new();
        properties.insert(word.to_owned(), schema.clone());
        json!({"type": "object", "required": [word], "properties": properties})
    };
    let columns = json!({"type": "object", "additionalProperties": {"type": "array", "items": {}}});
    let invocations = json!([
        body("dataframe_split", &split),
        body("dataframe_records", &records),
        body("instances", &json!({"anyOf": [records, values]})),
        body("inputs", &json!({"anyOf": [records, values, columns]})),
    ]);
    let mut rows = vec![row, records.clone(), values.clone(), split];
    rows.extend(invocations.as_array().into_iter().flatten().cloned());
    json!({
        "Row": row_schema(app, served),
        "Rows": {"anyOf": rows},
        "Invocation": {"anyOf": invocations},
        "Predictions": {
            "type": "object",
            "required": ["predictions"],
            "properties": {
                "predictions": {
                    "type": "array",
                    "items": {"type": ["number", "null"]},
                    "description": format!("`{}`, in its unit", served.shape.target),
                },
                "warnings": {"type": "array", "items": {"$ref": "#/components/schemas/Detail"}},
            },
        },
        "Fault": {
            "type": "object",
            "required": ["detail"],
            "properties": {"detail": {"anyOf": [
                {"type": "array", "items": {"$ref": "#/components/schemas/Detail"}},
                {"type": "string"},
            ]}},
        },
        "Detail": {
            "type": "object",
            "required": ["loc", "msg", "type"],
            "properties": {
                "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
                "msg": {"type": "string"},
                "type": {"type": "string"},
            },
        },
    })
}

/// A record: a property a column.
fn row_schema(app: &App, served: &Served) -> Value {
    let rejects = app.options.out_of_range == Treatment::Reject;
    let mut properties = Map::new();
    for input in &served.shape.inputs {
        properties.insert(input.name.clone(), property(input, rejects));
    }
    let required = served.shape.inputs.iter().filter(|input| !input.nullable);
    let required: Vec<&str> = required.map(|input| &*input.name).collect();
    properties.insert(
        served.shape.target.clone(),
        json!({"description": "What is predicted; may be there, and is not read."}),
    );
    json!({
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": app.options.unknown_columns == Treatment::Ignore,
        "examples": [example(&served.shape.inputs)],
    })
}

fn property(input: &Input, rejects: bool) -> Value {
    let kind = match input.kind {
        Type::Number => "number",
        Type::Integer => "integer",
        Type::Text => "string",
        Type::Boolean => "boolean",
    };
    let mut property = match input.nullable {
        true => json!({"type": [kind, "null"]}),
        false => json!({"type": kind}),
    };
    if let Some([least, most]) = input.range {
        property["description"] = json!(format!("Training saw {least} to {most}."));
        if rejects {
            property["minimum"] = json!(least);
            property["maximum"] = json!(most);
        }
    }
    if !input.categories.is_empty() {
        let words = input.categories.iter().map(|word| json!(word));
        let null = input.nullable.then_some(Value::Null);
        let words: Vec<Value> = words.chain(null).collect();
        match input.refuses_unseen || rejects {
            true => property["enum"] = json!(words),
            false => property["examples"] = json!(words),
        }
    }
    property
}

/// A row that the model takes: the middles of ranges, first words.
fn example(inputs: &[Input]) -> Value {
    let value = |input: &Input| match (input.kind, input.range) {
        (Type::Number, Some([least, most])) => json!(least / 2.0 + most / 2.0),
        (Type::Number, None) => json!(1.0),
        (Type::Integer, Some([least, most])) => json!((least / 2.0 + most / 2.0) as i64),
        (Type::Integer, None) => json!(1),
        (Type::Text, _) => json!(input.categories.first()),
        (Type::Boolean, _) => json!(true),
    };
    let row: Map<String, Value> = inputs
        .iter()
        .map(|input| (input.name.clone(), value(input)))
        .collect();
    Value::Object(row)
}

/// The page of `/docs`: needs nothing but itself and the server.
pub(crate) fn page(app: &App, served: &Served) -> String {
    let row = example(&served.shape.inputs);
    let row = serde_json::to_string_pretty(&row).unwrap_or_default();
    let inputs: String = served
        .shape
        .inputs
        .iter()
        .map(|input| line(app, input))
        .collect();
    let [title, target, row] =
        [&served.title(), &served.shape.target, &row].map(|text| escaped(text));
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style><h1>{title}</h1><p>Predicts <code>{target}</code>. The interface for \
         programs: <a href=\"openapi.json\">openapi.json</a>; counters: <a href=\"metrics\">metrics</a>.</p>\
         <h2>Ask</h2><textarea id=\"row\" rows=\"12\" spellcheck=\"false\">{row}</textarea>\
         <p><button id=\"ask\">POST /predict</button></p><pre id=\"answer\" aria-live=\"polite\"></pre>\
         <h2>Columns</h2><table><tr><th>column<th>type<th>may be missing<th>in training</tr>{inputs}</table>\
         <h2>Ways to ask</h2><ul>{WAYS}</ul><script>{SCRIPT}</script></html>\n"
    )
}

/// A line of the table of columns.
fn line(app: &App, input: &Input) -> String {
    const WORDS: usize = 20;
    let refused = input.refuses_unseen || app.options.out_of_range == Treatment::Reject;
    let seen = match (input.range, input.categories.is_empty()) {
        (Some([least, most]), _) => format!("{least} to {most}"),
        (None, false) => {
            let words: Vec<&str> = input
                .categories
                .iter()
                .take(WORDS)
                .map(|word| &**word)
                .collect();
            let more = if input.categories.len() > WORDS {
                ", …"
            } else {
                ""
            };
            let note = if refused { " (no others)" } else { "" };
            format!("{}{more}{note}", words.join(", "))
        }
        (None, true) => String::new(),
    };
    let missing = if input.nullable { "yes" } else { "no" };
    let (name, seen) = (escaped(&input.name), escaped(&seen));
    format!(
        "<tr><td><code>{name}</code><td>{}<td>{missing}<td>{seen}</tr>",
        input.kind.name()
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;\
    color-scheme:light dark}textarea,pre{width:100%;box-sizing:border-box;font:14px/1.4 ui-monospace,monospace}\
    table{border-collapse:collapse}td,th{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #8884;\
    vertical-align:top}pre{white-space:pre-wrap}button{font:inherit;padding:.3rem .8rem}";

const WAYS: &str = "<li><code>POST /predict</code>: a record, a list of records or rows, <code>columns</code> and \
    <code>data</code>, CSV, or Arrow<li><code>POST /invocations</code>: MLflow's bodies<li><code>POST /v1/models/…:predict</code> and \
    <code>POST /v2/models/…/infer</code>: KServe's protocols";

const SCRIPT: &str = "document.getElementById('ask').onclick=async()=>{const to=document.getElementById('answer');try{\
    const answer=await fetch('predict',{method:'POST',headers:{'content-type':'application/json'},\
    body:document.getElementById('row').value});to.textContent=answer.status+'\\n'+JSON.stringify(await answer.json(),null,1)}\
    catch(error){to.textContent=error}}";
