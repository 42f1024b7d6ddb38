//! `import`: a model of another program, as a model of ours.
//!
//! What can be read of which format: `docs/interchange.md`. The bytes are `hpipe_learn::interchange`'s. Names of features
//! come from the file, or from the options where the file has none.

use std::collections::BTreeSet;

use hpipe_core::{Arity, Execution, OptionFault, Port, Stage, StageError, Value};
use hpipe_learn::interchange::{Rounds, lightgbm, xgboost};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::artifact;
use crate::error::Error;
use crate::frame;
use crate::model::{Card, Model, ModelKind, Training};
use crate::options::{self, Faults, Options};
use crate::ports::{dep, out};
use crate::schema::Schema;
use crate::scores::Scores;
use crate::table::Lookup;

/// The built-in stage `import`.
pub struct Import;

/// The options.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportParams {
    format: Format,
    target: String,
    features: Option<Vec<String>>,
    #[serde(default)]
    rounds: RoundsOption,
}

/// Whose format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// XGBoost's model format as JSON.
    XgboostJson,
    /// The same in universal binary JSON.
    XgboostUbj,
    /// The text that LightGBM's `save_model` writes.
    Lightgbm,
}

/// Which trees of a model that was stopped early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RoundsOption {
    /// Up to the best iteration, if the file names it.
    #[default]
    Best,
    /// All of them.
    All,
}

impl Options for ImportParams {
    type Checked = Self;

    fn check(self) -> Result<Self, Vec<OptionFault>> {
        let mut faults = Faults::default();
        for (place, name) in self.features.iter().flatten().enumerate() {
            let is_new = !self
                .features
                .iter()
                .flatten()
                .take(place)
                .any(|n| n == name);
            faults.require(is_new, format!("features.{place}"), "is named twice");
        }
        faults.into_result(self)
    }
}

impl Stage for Import {
    fn name(&self) -> &'static str {
        "import"
    }

    fn version(&self) -> u32 {
        2
    }

    fn summary(&self) -> &'static str {
        "reads a model that XGBoost or LightGBM trained"
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[
            dep("model", Arity::One, "the model of another program"),
            dep(
                "validation",
                Arity::Optional,
                "features and target whose scores the model records (parquet)",
            ),
            out("model", Arity::One, "the same model (safetensors)"),
        ];
        PORTS
    }

    fn check(&self, with: &Value) -> Result<(), Vec<OptionFault>> {
        options::checked::<ImportParams>(with).map(drop)
    }

    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError> {
        Ok(execute(execution)?)
    }
}

fn execute(execution: &Execution<'_>) -> Result<(), Error> {
    let params = options::executable::<ImportParams>(execution.with)?;
    let port = execution.dep("model");
    let bytes = artifact::read_bytes(port)?;
    let rounds = match params.rounds {
        RoundsOption::Best => Rounds::Best,
        RoundsOption::All => Rounds::All,
    };
    let imported = match params.format {
        Format::XgboostJson => xgboost::from_json(&bytes, rounds),
        Format::XgboostUbj => xgboost::from_ubj(&bytes, rounds),
        Format::Lightgbm => lightgbm::from_text(&bytes),
    };
    let imported = imported.map_err(|source| Error::Import {
        path: port.declared.to_string(),
        hint: hint(&bytes, params.format),
        source,
    })?;
    let path = port.declared.to_string();
    let n_features = imported.learned.n_features();
    let names = match (params.features, imported.features) {
        (Some(names), _) | (None, Some(names)) if names.len() == n_features => names,
        (Some(names), _) | (None, Some(names)) => {
            return Err(Error::Mismatch(
                "the option `features`".to_owned(),
                path,
                format!("{} names, and {n_features} features", names.len()),
            ));
        }
        (None, None) => return Err(Error::NoFeatureNames { path }),
    };
    if let Some(name) = repeated(&names) {
        let reason =
            format!("two features are called `{name}`; the option `features` can say other names");
        return Err(Error::Mismatch(path, "a table".to_owned(), reason));
    }
    let mut model = Model {
        card: Card {
            kind: ModelKind::Imported,
            target: params.target,
            features: Schema::of_numbers(names),
            hyperparameters: json!({"format": params.format}),
            seed: 0,
            training: Training::default(),
        },
        learned: imported.learned,
    };
    if let Some(port) = execution.optional_dep("validation") {
        let score = |model: &Model| {
            let table = frame::read_rows(port)?;
            let actual = table.target(&model.card.target)?;
            Ok(Scores::new(&actual, &model.predict(&table)?))
        };
        let scores = score(&model).map_err(|error: Error| error.within(&port.declared))?;
        model.card.training.validation = Some(scores);
    }
    model.write(execution.out("model"))
}

/// The first name that is there twice: columns are found by their names.
fn repeated(names: &[String]) -> Option<&str> {
    let mut seen = BTreeSet::new();
    let mut names = names.iter().map(String::as_str);
    names.find(|name| !seen.insert(*name))
}

/// What the file looks like, where that is not what was said.
fn hint(bytes: &[u8], said: Format) -> Option<String> {
    let mut text = bytes.iter().filter(|byte| !byte.is_ascii_whitespace());
    let found = match (text.next(), text.next()) {
        (Some(b'{'), Some(b'"' | b'}')) => Format::XgboostJson,
        (Some(b'{'), _) => Format::XgboostUbj,
        (Some(b't'), Some(b'r')) if bytes.starts_with(b"tree") => Format::Lightgbm,
        (Some(0x80), _) => {
            let pickle = "it looks like a Python pickle: write the model by `save_model` of its booster instead";
            return Some(pickle.to_owned());
        }
        _ => return None,
    };
    let word = serde_json::to_value(found).ok()?;
    (found != said).then(|| {
        format!(
            "it looks like `format: {}`",
            word.as_str().unwrap_or_default()
        )
    })
}
