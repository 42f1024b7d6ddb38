//! The names an interpolation may use.
//!
//! Names come from the default params file, from `vars:` of the file and of the stage, and in an instance of `foreach` or
//! `matrix` from `item` and `key`, which hide others of that name. Knows nothing of where they were loaded from (that is
//! `vars`) nor of the syntax of `${…}`.

use std::rc::Rc;

use hpipe_core::{Mapping, Value};

use crate::suggest::nearest;

/// What `${…}` can see at one place. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    vars: Rc<Value>,
    /// Whether some source of names could not be read, so that a name it does not have may yet be one.
    incomplete: bool,
    instance: Option<Rc<Instance>>,
}

/// What an instance of `foreach` or `matrix` adds.
#[derive(Debug)]
pub(crate) struct Instance {
    /// `${item}`.
    pub(crate) item: Value,
    /// `${key}`; none in a `foreach` over a list.
    pub(crate) key: Option<Value>,
}

impl Scope {
    /// The scope of a file. `incomplete` if a source of its names could not be read.
    pub(crate) fn new(vars: Rc<Value>, incomplete: bool) -> Self {
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
    pub(crate) fn with_vars(&self, vars: Rc<Value>, incomplete: bool) -> Self {
        Self {
            vars,
            incomplete,
            instance: self.instance.clone(),
        }
    }

    /// The value of a dotted name.
    pub(crate) fn lookup(&self, dotted: &str) -> Option<&Value> {
        let (head, rest) = dotted.split_once('.').unwrap_or((dotted, ""));
        match self.instance_value(head) {
            Some(value) => value.lookup(rest),
            None => self.vars.lookup(dotted),
        }
    }

    /// Whether an unknown name may be one of a source that could not be read.
    pub(crate) fn may_define(&self, dotted: &str) -> bool {
        let (head, _) = dotted.split_once('.').unwrap_or((dotted, ""));
        self.incomplete && self.instance_value(head).is_none()
    }

    fn instance_value(&self, head: &str) -> Option<&Value> {
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
        for (head, value) in self.vars.as_map().into_iter().flat_map(Mapping::iter) {
            collect_names(head.to_owned(), value, &mut names);
        }
        nearest(dotted, names.iter().map(String::as_str)).map(str::to_owned)
    }
}

fn collect_names(path: String, value: &Value, names: &mut Vec<String>) {
    for (key, value) in value.as_map().into_iter().flat_map(Mapping::iter) {
        collect_names(format!("{path}.{key}"), value, names);
    }
    names.push(path);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        let train: Mapping = [("alpha".to_owned(), Value::Float(0.5))]
            .into_iter()
            .collect();
        let vars: Mapping = [
            ("train".to_owned(), Value::Map(train)),
            ("item".to_owned(), Value::Int(1)),
        ]
        .into_iter()
        .collect();
        Scope::new(Rc::new(Value::Map(vars)), false)
    }

    #[test]
    fn item_hides_a_var_of_that_name() {
        let instance = Instance {
            item: Value::Int(2),
            key: None,
        };
        assert_eq!(scope().lookup("item"), Some(&Value::Int(1)));
        assert_eq!(
            scope().within(instance).lookup("item"),
            Some(&Value::Int(2))
        );
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
