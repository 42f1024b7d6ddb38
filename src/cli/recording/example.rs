//! The input example of a logged model: the first rows that it was trained on, as MLflow keeps them beside a model.

use std::path::Path;

use hpipe_core::{Table, TableFiles, TableFormat, Values};
use hpipe_engine::Observed;
use serde_json::{Value as Json, json};

use super::model::Feature;

/// Rows of an example.
const ROWS: usize = 5;

/// The file of the example, and the one that holds it as the body of a request to a server of models.
pub(crate) const EXAMPLE: &str = "input_example.json";
pub(crate) const SERVING_EXAMPLE: &str = "serving_input_example.json";

/// What `MLmodel` says of them.
pub(crate) fn about() -> Json {
    json!({
        "artifact_path": EXAMPLE,
        "pandas_orient": "split",
        "serving_input_path": SERVING_EXAMPLE,
        "type": "dataframe",
    })
}

/// The first rows of an execution's training data, as far as they are the features; none where there is no such table, or
/// nobody here reads tables.
pub(super) fn of(
    tables: Option<&dyn TableFiles>,
    execution: &Observed<'_>,
    features: &[Feature],
) -> Option<Json> {
    let is_train = |role: &str| role == "train";
    let mut deps = execution.entry.deps.iter();
    let train = deps.find(|dep| dep.role.as_deref().is_some_and(is_train))?;
    let path = train.path.on_disk(execution.workspace.store().root());
    let rows = first_rows(tables?, &path)?;
    split(&rows, features)
}

fn first_rows(tables: &dyn TableFiles, path: &Path) -> Option<Table> {
    let mut reader = tables.open(path, TableFormat::of_path(path)?, ROWS).ok()?;
    reader.next().ok().flatten()
}

/// The features in pandas' orientation `split`; none if one is not there or holds no numbers.
fn split(rows: &Table, features: &[Feature]) -> Option<Json> {
    let mut columns = Vec::new();
    let mut data = vec![Vec::new(); rows.rows().min(ROWS)];
    for feature in features {
        let values = &rows.get(&feature.name)?.values;
        let values = match values {
            Values::Text(words) => codes(words, &feature.levels),
            values => numbers(values),
        };
        for (row, value) in data.iter_mut().zip(values?) {
            row.push(value);
        }
        columns.push(&feature.name);
    }
    Some(json!({"columns": columns, "data": data}))
}

/// The codes of words, as the model knows them; what it does not know is null. None if it knows none.
fn codes(words: &[Option<String>], levels: &[String]) -> Option<Vec<Json>> {
    let code = |word: &Option<String>| levels.iter().position(|level| Some(level) == word.as_ref());
    let codes = words.iter().map(|word| code(word).map(|code| code as f64));
    (!levels.is_empty()).then(|| codes.map(Json::from).collect())
}

/// Numbers as floats; what is missing, or no finite number, is null.
fn numbers(values: &Values) -> Option<Vec<Json>> {
    match values {
        Values::Number(values) => Some(values.iter().copied().map(Json::from).collect()),
        Values::Integer(values) => {
            let floats = values.iter().map(|value| value.map(|value| value as f64));
            Some(floats.map(Json::from).collect())
        }
        Values::Text(_) | Values::Boolean(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use hpipe_core::Column;

    use super::*;

    #[test]
    fn an_example_is_the_features_in_their_order() {
        let column = |name: &str, values| Column {
            name: name.to_owned(),
            values,
        };
        let table = Table::new(vec![
            column("y", Values::Number(vec![Some(9.0), Some(8.0)])),
            column("b", Values::Integer(vec![Some(1), None])),
            column("a", Values::Number(vec![Some(0.5), Some(f64::NAN)])),
            column("word", Values::Text(vec![Some("sea".to_owned()), None])),
        ]);
        let table = table.expect("different names");
        let feature = |name: &str, levels: &[&str]| Feature {
            name: name.to_owned(),
            levels: levels.iter().map(|&level| level.to_owned()).collect(),
        };
        let told = split(&table, &[feature("a", &[]), feature("b", &[])]);
        assert_eq!(
            told,
            Some(json!({"columns": ["a", "b"], "data": [[0.5, 1.0], [null, null]]}))
        );
        assert_eq!(split(&table, &[feature("a", &[]), feature("c", &[])]), None);
        assert_eq!(split(&table, &[feature("word", &[])]), None);
        let told = split(&table, &[feature("word", &["bay", "sea"])]);
        assert_eq!(
            told,
            Some(json!({"columns": ["word"], "data": [[1.0], [null]]}))
        );
    }
}
