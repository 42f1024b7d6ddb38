//! The names an interpolation may use.
//!
//! Names come from the default params file, from `vars:` of the file and of the stage, and in an instance of `foreach` or
//! `matrix` from `item` and `key`, which hide others of that name. Knows nothing of where they were loaded from (that is
//! `vars`) nor of the syntax of `${…}`.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use hpipe_core::Span;

use crate::node::{Data, Entry, Node};
use hpipe_core::nearest;

/// What `${…}` can see at one place. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    vars: Rc<Vocabulary>,
    /// Whether some source of names could not be read, so that a name it does not have may yet be one.
    incomplete: bool,
    instance: Option<Rc<Instance>>,
}

/// Names with their values; found without delay however many they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vocabulary {
    entries: Vec<Entry>,
    /// Where each stands, once somebody asked.
    places: OnceCell<HashMap<String, usize>>,
}

impl From<Vec<Entry>> for Vocabulary {
    fn from(entries: Vec<Entry>) -> Self {
        let places = OnceCell::new();
        Self { entries, places }
    }
}

impl Vocabulary {
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Adds names; gives back the dotted names that both give and that are not mappings in both.
    pub(crate) fn merge(&mut self, new: &[Entry]) -> Vec<String> {
        let mut twice = Vec::new();
        let mut places = self.places.take().unwrap_or_else(|| places(&self.entries));
        merge(&mut self.entries, &mut places, new, "", &mut twice);
        self.places = places.into();
        twice
    }

    /// The value of a dotted name, as [`Node::lookup`] finds it, and the place it comes from.
    fn lookup(&self, dotted: &str) -> Option<(&Node, Span)> {
        let (head, rest) = dotted.split_once('.').unwrap_or((dotted, ""));
        match self.find(head) {
            Some(entry) => entry.value.lookup(rest, entry.place()),
            None => self.find(dotted).map(|entry| (&entry.value, entry.place())),
        }
    }

    fn find(&self, name: &str) -> Option<&Entry> {
        let places = self.places.get_or_init(|| places(&self.entries));
        places.get(name).map(|at| &self.entries[*at])
    }
}

fn places(entries: &[Entry]) -> HashMap<String, usize> {
    let entries = entries.iter().enumerate();
    entries
        .map(|(at, entry)| (entry.key.text.clone(), at))
        .collect()
}

/// Adds the entries of `new` to those of `into`, which stand at `places_of`.
fn merge(
    into: &mut Vec<Entry>,
    places_of: &mut HashMap<String, usize>,
    new: &[Entry],
    path: &str,
    twice: &mut Vec<String>,
) {
    for entry in new {
        let key = &entry.key.text;
        let Some(at) = places_of.get(key) else {
            places_of.insert(key.clone(), into.len());
            into.push(entry.clone());
            continue;
        };
        match (&mut into[*at].value.data, &entry.value.data) {
            (Data::Map(old), Data::Map(new)) => {
                let mut inner = places(old);
                merge(old, &mut inner, new, &format!("{path}{key}."), twice);
            }
            _ => twice.push(format!("{path}{key}")),
        }
    }
}

/// What an instance of `foreach` or `matrix` adds.
#[derive(Debug)]
pub(crate) struct Instance {
    /// `${item}`.
    pub(crate) item: Node,
    /// `${key}`; none in a `foreach` over a list.
    pub(crate) key: Option<Node>,
}

impl Scope {
    /// The scope of a file. `incomplete` if a source of its names could not be read.
    pub(crate) fn new(vars: Rc<Vocabulary>, incomplete: bool) -> Self {
        Self {
            vars,
            incomplete,
            instance: None,
        }
    }

    /// This scope inside an instance.
    pub(crate) fn within(&self, instance: Instance) -> Self {
        Self {
            vars: Rc::clone(&self.vars),
            incomplete: self.incomplete,
            instance: Some(Rc::new(instance)),
        }
    }

    /// This scope with other vars.
    pub(crate) fn with_vars(&self, vars: Rc<Vocabulary>, incomplete: bool) -> Self {
        Self {
            vars,
            incomplete,
            instance: self.instance.clone(),
        }
    }

    /// The value of a dotted name and the place it comes from.
    pub(crate) fn lookup(&self, dotted: &str) -> Option<(&Node, Span)> {
        let (head, rest) = dotted.split_once('.').unwrap_or((dotted, ""));
        match self.instance_value(head) {
            Some(value) => value.lookup(rest, value.place()),
            None => self.vars.lookup(dotted),
        }
    }

    /// Whether an unknown name may be one of a source that could not be read.
    pub(crate) fn may_define(&self, dotted: &str) -> bool {
        let (head, _) = dotted.split_once('.').unwrap_or((dotted, ""));
        self.incomplete && self.instance_value(head).is_none()
    }

    fn instance_value(&self, head: &str) -> Option<&Node> {
        let instance = self.instance.as_deref()?;
        match head {
            "item" => Some(&instance.item),
            "key" => instance.key.as_ref(),
            _ => None,
        }
    }

    /// The known name that `dotted` is most likely a misspelling of.
    pub(crate) fn nearest(&self, dotted: &str) -> Option<String> {
        let mut names = Vec::new();
        for head in ["item", "key"] {
            if let Some(value) = self.instance_value(head) {
                collect_names(head.to_owned(), value, &mut names);
            }
        }
        for entry in self.vars.entries() {
            collect_names(entry.key.text.clone(), &entry.value, &mut names);
        }
        nearest(dotted, names.iter().map(String::as_str)).map(str::to_owned)
    }
}

fn collect_names(path: String, value: &Node, names: &mut Vec<String>) {
    for entry in value.entries() {
        collect_names(format!("{path}.{}", entry.key.text), &entry.value, names);
    }
    names.push(path);
}

#[cfg(test)]
mod tests {
    use hpipe_core::{Sources, Value};

    use super::*;

    fn node(json: &str) -> Node {
        let source = Sources::default().add("params.yaml", "");
        let span = Span {
            source,
            start: 0,
            end: 0,
        };
        Node::from_value(&serde_json::from_str(json).unwrap(), span)
    }

    fn scope() -> Scope {
        let vars = node(r#"{"train": {"alpha": 0.5}, "item": 1}"#);
        Scope::new(Rc::new(vars.entries().to_vec().into()), false)
    }

    #[test]
    fn item_hides_a_var_of_that_name() {
        let instance = Instance {
            item: node("2"),
            key: None,
        };
        let item = |scope: &Scope| scope.lookup("item").map(|(node, _)| node.to_value());
        assert_eq!(item(&scope()), Some(Value::Int(1)));
        assert_eq!(item(&scope().within(instance)), Some(Value::Int(2)));
    }

    #[test]
    fn suggests_names_at_any_depth() {
        assert_eq!(
            scope().nearest("train.alhpa").as_deref(),
            Some("train.alpha")
        );
        assert_eq!(scope().nearest("trian").as_deref(), Some("train"));
        assert_eq!(scope().nearest("epochs"), None);
    }
}
