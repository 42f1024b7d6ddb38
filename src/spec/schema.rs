//! A JSON schema of the pipeline file, for editors that complete and check it.
//!
//! Says of each key what it holds and what it means, in draft 7, which editors know best. It is looser than the parser where
//! JSON schema cannot follow: names that must exist, paths, what an expression stands for. The keys are those the parser knows;
//! a test compares the two, and `docs/pipeline.schema.json` with this. Knows nothing of places.

use serde_json::{Map, Value as Json, json};

/// The JSON schema of pipeline files, as text.
pub fn pipeline_schema() -> String {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "hpipe pipeline",
        "description": "Stages of a pipeline: what each executes, reads and makes.",
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": top_level(),
        "definitions": definitions(),
    });
    format!("{schema:#}\n")
}

/// A schema with a description.
fn about(description: &str, mut schema: Json) -> Json {
    schema["description"] = json!(description);
    schema
}

fn reference(name: &str) -> Json {
    json!({ "allOf": [{ "$ref": format!("#/definitions/{name}") }] })
}

/// What is one of several, or an expression, or nothing.
fn any(schemas: &[Json]) -> Json {
    let expression = json!({ "$ref": "#/definitions/expression" });
    let nothing = json!({ "type": "null" });
    let all: Vec<&Json> = schemas.iter().chain([&expression, &nothing]).collect();
    json!({ "anyOf": all })
}

fn text() -> Json {
    json!({ "type": ["string", "null"] })
}

fn flag() -> Json {
    any(&[json!({ "type": "boolean" })])
}

fn whole(minimum: u32) -> Json {
    any(&[json!({ "type": "integer", "minimum": minimum })])
}

fn list(items: &Json) -> Json {
    any(&[json!({ "type": "array", "items": items })])
}

fn map(values: &Json) -> Json {
    any(&[json!({ "type": "object", "additionalProperties": values })])
}

/// A mapping of these keys and no others.
fn keys(properties: &Json) -> Json {
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn texts() -> Json {
    list(&text())
}

fn top_level() -> Json {
    let plot = map(&reference("plot"));
    json!({
        "stages": about("The stages, by name.", json!({
            "type": ["object", "null"],
            "propertyNames": { "pattern": "^[^@:\\n\\r\\t]+$" },
            "additionalProperties": reference("stage"),
        })),
        "vars": reference("vars"),
        "params": about("Params files, for whatever shows params.", texts()),
        "metrics": about("Metrics files that are shown besides those of stages.", texts()),
        "plots": about("What is drawn besides the plots of stages.", any(&[
            json!({ "type": "array", "items": { "anyOf": [text(), plot] } }),
            plot,
        ])),
        "artifacts": about("Files worth a name of their own.", map(&reference("artifact"))),
        "datasets": about("Data sets.", list(&json!({
            "type": "object",
            "required": ["name", "type"],
            "properties": { "name": text(), "type": text() },
        }))),
        "pools": about("Pools, with how many executions each lets run at once.", map(&whole(1))),
    })
}

fn definitions() -> Json {
    json!({
        "expression": {
            "description": "A value of `params.yaml`, `vars`, `item` or `key`.",
            "type": "string",
            "pattern": "\\$\\{[^\\n]+\\}",
        },
        "vars": about(
            "Names for interpolations: mappings, files, or some keys of a file (`file:key1,key2`).",
            json!({ "type": ["array", "null"], "items": { "type": ["string", "object"] } }),
        ),
        "duration": any(&[
            json!({ "type": "number", "minimum": 0 }),
            json!({ "type": "string", "pattern": "^\\s*([0-9][0-9.]*\\s*(d|h|m|s|ms)?\\s*)+$" }),
        ]),
        "size": any(&[
            json!({ "type": "integer", "minimum": 1 }),
            json!({ "type": "string", "pattern": "^\\s*[0-9][0-9.]*\\s*([kKmMgGtT][iI]?)?[bB]?\\s*$" }),
        ]),
        "stage": stage(),
        "body": body(true),
        "template": body(false),
        "out": keys(&out_flags(false)),
        "plot_out": keys(&out_flags(true)),
        "role": role(false),
        "plot_role": role(true),
        "plot": { "anyOf": [keys(&plot_flags()), { "type": "null" }] },
        "artifact": artifact(),
    })
}

/// A stage, or a template of many.
fn stage() -> Json {
    let group = json!({
        "type": "object",
        "required": ["foreach", "do"],
        "additionalProperties": false,
        "properties": {
            "foreach": about("A stage an item, with `${item}`, and `${key}` over a mapping.", any(&[
                json!({ "type": ["array", "object"] }),
            ])),
            "do": about("The stage of each item.", json!({ "$ref": "#/definitions/template" })),
        },
    });
    json!({
        "if": { "anyOf": [{ "required": ["foreach"] }, { "required": ["do"] }] },
        "then": group,
        "else": { "$ref": "#/definitions/body" },
    })
}

/// The keys of a stage, with `matrix` or without.
fn body(with_matrix: bool) -> Json {
    let mut properties = Map::new();
    for section in [
        what_executes(),
        what_it_reads_and_makes(),
        how_it_executes(),
    ] {
        if let Json::Object(keys) = section {
            properties.extend(keys);
        }
    }
    if with_matrix {
        let axes = map(&any(&[json!({ "type": ["array", "object"] })]));
        let description = "Axes: a stage a combination, with `${item.AXIS}` and `${key}`.";
        properties.insert("matrix".to_owned(), about(description, axes));
    }
    json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "oneOf": [{ "required": ["cmd"] }, { "required": ["uses"] }],
        "if": { "required": ["uses"] },
        "then": { "properties": {
            "deps": roles(&json!({ "type": "string" })),
            "outs": roles(&reference("role")),
            "metrics": roles(&reference("role")),
            "plots": roles(&reference("plot_role")),
            "shell": { "type": "null" },
        } },
        "else": { "properties": {
            "deps": texts(),
            "outs": list(&of_paths("out")),
            "metrics": list(&of_paths("out")),
            "plots": list(&of_paths("plot_out")),
            "with": { "type": "null" },
        } },
    })
}

/// Paths by role: one, or a list of them.
fn roles(path: &Json) -> Json {
    map(&any(&[
        path.clone(),
        json!({ "type": "array", "items": path }),
    ]))
}

/// A path, or paths with flags.
fn of_paths(flags: &str) -> Json {
    let flags = reference(flags);
    let ways = json!({ "type": "array", "items": flags });
    let with_flags = json!({ "anyOf": [flags, ways, { "type": "null" }] });
    json!({ "anyOf": [{ "type": "string" }, { "type": "object", "additionalProperties": with_flags }] })
}

fn what_executes() -> Json {
    json!({
        "cmd": about(
            "What the shell executes: a text as one script, a list one shell an item.",
            json!({ "type": ["string", "array"], "items": { "type": "string" } }),
        ),
        "uses": about("The built-in stage to execute instead of `cmd`.", json!({ "type": "string" })),
        "with": about("Options of the built-in stage.", any(&[json!({ "type": "object" })])),
        "wdir": about("Where commands run and what paths are relative to.", text()),
        "env": about("Environment: `{NAME: value}` sets, `[NAME]` passes on.", any(&[
            json!({ "type": "array", "items": { "type": "string" } }),
            json!({
                "type": "object",
                "additionalProperties": { "type": ["string", "number", "boolean", "null"] },
            }),
        ])),
        "when": about("The stage exists only if this holds: `${a} == b and not ${c}`.", flag_or_text()),
        "frozen": about("Never executed, its outs taken as they are.", flag()),
        "always_changed": about("Executed each time.", flag()),
        "desc": about("What it is for.", text()),
        "meta": { "description": "Anything, for people." },
        "vars": reference("vars"),
    })
}

fn flag_or_text() -> Json {
    json!({ "type": ["boolean", "string", "null"] })
}

fn what_it_reads_and_makes() -> Json {
    let names = any(&[json!({ "type": "array", "items": { "type": "string" } })]);
    let param = json!({
        "anyOf": [{ "type": "string" }, { "type": "object", "additionalProperties": names }],
    });
    json!({
        "deps": { "description": "Files and folders it reads." },
        "params": about("Values it reads: names of `params.yaml`, or `FILE: [NAME…]`.", list(&param)),
        "outs": { "description": "Files and folders it makes." },
        "metrics": { "description": "Metrics files it makes." },
        "plots": { "description": "Files it makes that are drawn." },
    })
}

fn how_it_executes() -> Json {
    let cpus = any(&[json!({ "type": "number", "exclusiveMinimum": 0 })]);
    let resources = json!({
        "cpus": about("CPUs; `0.5` is half of one.", cpus),
        "memory": about("Memory: `4GiB`, `500MB`.", reference("size")),
        "gpus": about("GPUs.", whole(0)),
    });
    let backoff = any(&[json!({ "type": "number", "minimum": 1 })]);
    let retry = json!({
        "times": about("Most further attempts.", whole(0)),
        "delay": about("What is waited before the first of them.", reference("duration")),
        "backoff": about("What the delay is multiplied by for each further one.", backoff),
    });
    let mut retry = keys(&retry);
    retry["required"] = json!(["times"]);
    let words = json!({ "type": ["string", "array", "null"], "items": { "type": "string" } });
    let track = json!({
        "experiment": about("The experiment of its runs.", text()),
        "name": about("The name of its runs; that of the stage without it.", text()),
        "tags": about("Tags of its runs.", map(&json!({ "type": ["string", "number", "boolean", "null"] }))),
    });
    json!({
        "resources": about("What an execution takes from the machine.", any(&[keys(&resources)])),
        "mutex": about("Names that no two executions hold at once.", words.clone()),
        "pool": about("The pool of whose places an execution takes one.", text()),
        "timeout": about("After which an execution is ended: `90`, `10m`, `1h30m`.", reference("duration")),
        "retry": about("Further attempts after a failure.", any(&[
            json!({ "type": "integer", "minimum": 0 }),
            retry,
        ])),
        "shell": about("The program that executes the commands, with its arguments: `bash -e`.", words),
        "sandbox": about("Whether a command can read only its deps and write only its outs.", flag()),
        "executor": about("Where it runs: `local`, or an executor of the settings.", text()),
        "track": about("Whether executions are recorded as runs, and how.", any(&[
            json!({ "type": "boolean" }),
            keys(&track),
        ])),
    })
}

fn annotations() -> Json {
    json!({
        "desc": text(),
        "type": text(),
        "labels": texts(),
        "meta": {},
    })
}

/// Flags of an out; of one that is drawn also those of a plot, whose columns are its own.
fn out_flags(drawn: bool) -> Json {
    let mut flags = json!({
        "cache": about("Whether it is kept in the cache; default `true`.", flag()),
        "persist": about("Whether it is left in place before an execution.", flag()),
        "push": flag(),
        "remote": text(),
        "checkpoint": flag(),
    });
    for more in [Some(annotations()), drawn.then(plot_flags)] {
        if let (Json::Object(flags), Some(Json::Object(more))) = (&mut flags, more) {
            flags.extend(more);
        }
    }
    if drawn {
        flags["x"] = about("The column drawn to the right.", text());
        let columns = json!({ "type": ["string", "array", "null"], "items": { "type": "string" } });
        flags["y"] = about("The columns drawn upwards.", columns);
    }
    flags
}

fn plot_flags() -> Json {
    let columns = json!({ "type": ["string", "array"], "items": { "type": "string" } });
    let of_files = json!({ "type": "object", "additionalProperties": columns });
    let x_of_files = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    json!({
        "x": about("The column drawn to the right.", json!({ "anyOf": [text(), x_of_files] })),
        "y": about("The columns drawn upwards.", json!({ "anyOf": [columns, of_files, { "type": "null" }] })),
        "title": text(),
        "x_label": text(),
        "y_label": text(),
        "header": about("Whether the first line names the columns.", flag()),
        "template": about("The kind of plot: `linear`, `scatter`, ….", text()),
    })
}

/// An out of a built-in stage.
fn role(drawn: bool) -> Json {
    let mut flags = out_flags(drawn);
    flags["path"] = json!({ "type": "string" });
    let mut with_flags = keys(&flags);
    with_flags["required"] = json!(["path"]);
    json!({ "anyOf": [{ "type": "string" }, with_flags] })
}

fn artifact() -> Json {
    let mut flags = annotations();
    flags["path"] = about("The file or folder.", json!({ "type": "string" }));
    let mut artifact = keys(&flags);
    artifact["required"] = json!(["path"]);
    artifact
}
