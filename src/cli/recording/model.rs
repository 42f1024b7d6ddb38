//! A model that a built-in stage made, as a logged model of MLflow 3: its file, and an `MLmodel` with its signature.
//!
//! The schema is in the model file's header (docs/formats/model_file.md): features by name, all of them numbers, for of a word the model
//! knows the code: its place among the feature's levels.

use std::io::Read as _;

use hpipe_track::ledger::{Pair, RunInfo};
use serde::Deserialize;
use serde_json::json;

use super::example;

/// More than this no header is.
const LARGEST_HEADER: u64 = 64 << 20;

/// What a model file says of its model.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Schema {
    pub(super) kind: String,
    pub(super) target: String,
    pub(super) features: Vec<Feature>,
}

/// A column that the model reads.
#[derive(Debug, Deserialize)]
pub(super) struct Feature {
    pub(super) name: String,
    /// The words behind the codes of a categorical feature.
    #[serde(default)]
    pub(super) levels: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Header {
    content: Schema,
}

impl Schema {
    /// Reads the header of a model file; none if it is no model of hpipe.
    pub(super) fn read(mut file: impl std::io::Read) -> Option<Self> {
        let mut length = [0; 8];
        file.read_exact(&mut length).ok()?;
        let length = u64::from_le_bytes(length);
        if length > LARGEST_HEADER {
            return None;
        }
        let mut text = Vec::new();
        file.by_ref().take(length).read_to_end(&mut text).ok()?;
        let header: serde_json::Value = serde_json::from_slice(&text).ok()?;
        let ours = header.get("__metadata__")?.get("hpipe")?.as_str()?;
        let header: Header = serde_json::from_str(ours).ok()?;
        Some(header.content)
    }

    /// The params of the logged model.
    pub(super) fn params(&self) -> Vec<Pair> {
        vec![
            Pair::new("kind", self.kind.as_str()),
            Pair::new("target", self.target.as_str()),
            Pair::new("n_features", self.features.len().to_string()),
        ]
    }

    /// The file `MLmodel`, in JSON, which is YAML too.
    pub(super) fn mlmodel(
        &self,
        run: &RunInfo,
        (id, uri): (&str, &str),
        (file, size): (&str, u64),
        has_example: bool,
        created: &str,
    ) -> String {
        let columns = self.features.iter();
        let inputs: Vec<_> = columns
            .map(|feature| json!({"type": "double", "name": feature.name, "required": true}))
            .collect();
        let outputs = json!([{"type": "double", "name": self.target, "required": true}]);
        let flavor = json!({"data": file, "kind": self.kind, "format": "hpipe-model"});
        let mut text = json!({
            "artifact_path": uri,
            "flavors": {"hpipe": flavor},
            "mlflow_version": hpipe_server::MLFLOW_VERSION,
            "model_id": id,
            "model_uuid": id.trim_start_matches("m-"),
            "model_size_bytes": size,
            "run_id": run.id,
            "signature": {
                "inputs": serde_json::Value::from(inputs).to_string(),
                "outputs": outputs.to_string(),
                "params": null,
            },
            "utc_time_created": created,
        });
        if has_example {
            text["saved_input_example_info"] = example::about();
        }
        format!("{text:#}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str) -> Vec<u8> {
        let ours = json!({"format": "hpipe-model", "version": 2, "model": "linear"});
        let mut ours = ours;
        ours["content"] = serde_json::from_str(content).expect("JSON");
        let header = json!({"__metadata__": {"hpipe": ours.to_string()}}).to_string();
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes
    }

    #[test]
    fn a_model_file_says_what_it_reads() {
        let content = r#"{"kind": "ridge", "target": "y", "features": [{"name": "a"}, {"name": "b"}], "seed": 42}"#;
        let schema = Schema::read(&file(content)[..]).expect("a model");
        assert_eq!((schema.kind.as_str(), schema.features.len()), ("ridge", 2));
        let run = RunInfo {
            id: "r".to_owned(),
            experiment: 1,
            name: String::new(),
            user: String::new(),
            status: String::new(),
            start_time: None,
            end_time: None,
            artifact_uri: String::new(),
            lifecycle: hpipe_track::ledger::Lifecycle::Active,
        };
        let text = schema.mlmodel(&run, ("m-1", "uri"), ("model.safetensors", 9), true, "now");
        let text: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let inputs = text["signature"]["inputs"].as_str().expect("a text");
        let inputs: serde_json::Value = serde_json::from_str(inputs).expect("JSON");
        assert_eq!(
            inputs[1],
            json!({"type": "double", "name": "b", "required": true})
        );
        let example = &text["saved_input_example_info"]["artifact_path"];
        assert_eq!(example, "input_example.json");
        assert_eq!(
            (&text["model_id"], &text["run_id"]),
            (&json!("m-1"), &json!("r"))
        );
    }

    #[test]
    fn what_is_no_model_of_ours_is_none() {
        assert!(Schema::read(&b"{}"[..]).is_none());
        assert!(Schema::read(&u64::MAX.to_le_bytes()[..]).is_none());
        assert!(Schema::read(&file(r#"{"features": 3}"#)[..]).is_none());
    }
}
