//! Names and values as MLflow takes them: flattened, of its characters, not too long.

use std::collections::BTreeMap;

use hpipe_core::Value;
use hpipe_track::ledger::Pair;

/// Characters of a key, of a param's value, and of a tag's.
const KEY: usize = 250;
const PARAM: usize = 6000;
const TAG: usize = 8000;

/// A name as MLflow takes it: other characters become `_`.
pub(super) fn key(text: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '-' | ' ' | ':');
    let fitting = |c| if allowed(c) { c } else { '_' };
    let mut key: String = text.chars().map(fitting).take(KEY).collect();
    // A name that leads elsewhere as a path, or nowhere.
    let leads = |part: &str| matches!(part, "" | "." | "..");
    if key.split('/').any(leads) || key.starts_with("..") {
        key = key.replace('/', "_");
    }
    match leads(&key) || key.starts_with("..") {
        true => format!("_{}", key.trim_start_matches('.')),
        false => key,
    }
}

/// A param's value, cut off where MLflow's client cuts.
pub(super) fn param(value: &Value) -> String {
    cut(&value.to_string(), PARAM)
}

/// A tag, cut off where it would be too long.
pub(super) fn tag(key_text: &str, value: &str) -> Pair {
    Pair::new(key(key_text), cut(value, TAG))
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => text[..end].to_owned(),
        None => text.to_owned(),
    }
}

/// Params by name: of two with one name, the second is told apart by where it comes from.
#[derive(Debug, Default)]
pub(super) struct Params(BTreeMap<String, String>);

impl Params {
    /// Adds every leaf of `value`, by dotted name.
    pub(super) fn add(&mut self, name: &str, value: &Value, origin: &str) {
        for (path, leaf) in value.leaves() {
            let dotted = match (name.is_empty(), path.is_empty()) {
                (true, _) => path,
                (_, true) => name.to_owned(),
                _ => format!("{name}.{path}"),
            };
            self.put(&dotted, param(leaf), origin);
        }
    }

    fn put(&mut self, name: &str, value: String, origin: &str) {
        let plain = key(name);
        let name = match self.0.get(&plain) {
            Some(known) if *known != value => key(&format!("{origin}:{name}")),
            _ => plain,
        };
        self.0.insert(name, value);
    }

    pub(super) fn into_pairs(self) -> Vec<Pair> {
        let pairs = self.0.into_iter();
        pairs.map(|(key, value)| Pair::new(key, value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_those_mlflow_takes() {
        for (name, expect) in [
            ("train.lr", "train.lr"),
            ("a=b", "a_b"),
            ("/a", "_a"),
            ("a//b", "a__b"),
            ("../a", "__a"),
            ("..", "_"),
            ("", "_"),
            ("größe", "größe"),
        ] {
            assert_eq!(key(name), expect, "{name}");
        }
        assert_eq!(key(&"x".repeat(300)).len(), KEY);
    }

    #[test]
    fn params_are_flat_and_none_is_lost() {
        let mut params = Params::default();
        let mut inner = hpipe_core::Mapping::default();
        inner.insert("lr", Value::Float(0.1));
        inner.insert("layers", Value::List(vec![Value::Int(3), Value::Int(4)]));
        params.add("", &Value::Map(inner), "with");
        params.add("lr", &Value::Float(0.1), "params.yaml");
        params.add("lr", &Value::Float(0.2), "other.yaml");
        let pairs = params.into_pairs();
        let pairs: Vec<_> = pairs.iter().map(|p| (&*p.key, &*p.value)).collect();
        assert_eq!(
            pairs,
            [
                ("layers", "[3, 4]"),
                ("lr", "0.1"),
                ("other.yaml:lr", "0.2")
            ]
        );
    }
}
