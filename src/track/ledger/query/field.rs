//! What a search can be about, and which fields it then knows.

use super::super::error::Result;
use super::invalid;
use super::tokens::Part;

/// Where a field's value is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Entity {
    Attribute,
    Metric,
    Param,
    Tag,
    Dataset,
}

/// Which values an attribute has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// Whole numbers, written as such.
    Number,
    /// Whole numbers, written as texts: ids of experiments.
    Id,
}

/// An attribute: its names, and the column it stands in.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) names: &'static [&'static str],
    pub(crate) column: &'static str,
    pub(crate) kind: Kind,
    pub(crate) use_in: UseIn,
    /// Whether it may be compared with a list.
    pub(crate) lists: bool,
}

/// Where an attribute may be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UseIn {
    Both,
    Filter,
    Order,
}

/// The kind of things a search looks through.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) entities: &'static [Entity],
    pub(crate) attributes: &'static [Attribute],
    /// Whether tags (and params) may be asked for being there.
    pub(crate) asks_null: &'static [Entity],
    pub(crate) tables: Tables,
}

/// Where metrics, params and tags of the things stand: table, its column of the owner, the owner's own column.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) metrics: &'static str,
    pub(crate) params: &'static str,
    pub(crate) tags: &'static str,
    pub(crate) owner: &'static str,
    pub(crate) key: &'static str,
}

/// A field of a subject.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) entity: Entity,
    pub(crate) key: String,
    /// Of an attribute.
    pub(crate) column: &'static str,
    pub(crate) kind: Kind,
    pub(crate) lists: bool,
}

const fn text(names: &'static [&'static str], column: &'static str) -> Attribute {
    attribute(names, column, Kind::Text, UseIn::Both, false)
}

const fn number(names: &'static [&'static str], column: &'static str) -> Attribute {
    attribute(names, column, Kind::Number, UseIn::Both, false)
}

const fn attribute(
    names: &'static [&'static str],
    column: &'static str,
    kind: Kind,
    use_in: UseIn,
    lists: bool,
) -> Attribute {
    Attribute {
        names,
        column,
        kind,
        use_in,
        lists,
    }
}

/// Runs, `r`.
pub(crate) const RUNS: Subject = Subject {
    entities: &[
        Entity::Attribute,
        Entity::Metric,
        Entity::Param,
        Entity::Tag,
        Entity::Dataset,
    ],
    attributes: &[
        attribute(&["run_id"], "r.id", Kind::Text, UseIn::Both, true),
        text(&["run_name", "run name", "Run name", "Run Name"], "r.name"),
        text(&["user_id"], "r.user"),
        text(&["status"], "r.status"),
        text(&["artifact_uri"], "r.artifact_uri"),
        number(&["start_time", "created", "Created"], "r.start_time"),
        number(&["end_time"], "r.end_time"),
    ],
    asks_null: &[Entity::Tag, Entity::Param],
    tables: Tables {
        metrics: "latest_metrics",
        params: "run_params",
        tags: "run_tags",
        owner: "run",
        key: "r.number",
    },
};

/// Experiments, `e`.
pub(crate) const EXPERIMENTS: Subject = Subject {
    entities: &[Entity::Attribute, Entity::Tag],
    attributes: &[
        text(&["name"], "e.name"),
        attribute(&["experiment_id"], "e.id", Kind::Id, UseIn::Both, true),
        number(&["creation_time"], "e.created"),
        number(&["last_update_time"], "e.updated"),
    ],
    asks_null: &[Entity::Tag],
    tables: Tables {
        metrics: "",
        params: "",
        tags: "experiment_tags",
        owner: "experiment",
        key: "e.id",
    },
};

/// Registered models, `m`.
pub(crate) const MODELS: Subject = Subject {
    entities: &[Entity::Attribute, Entity::Tag],
    attributes: &[
        attribute(&["name"], "m.name", Kind::Text, UseIn::Both, true),
        attribute(
            &["timestamp", "last_updated_timestamp"],
            "m.updated",
            Kind::Number,
            UseIn::Order,
            false,
        ),
        attribute(
            &["creation_timestamp"],
            "m.created",
            Kind::Number,
            UseIn::Order,
            false,
        ),
    ],
    asks_null: &[],
    tables: Tables {
        metrics: "",
        params: "",
        tags: "registered_model_tags",
        owner: "model",
        key: "m.number",
    },
};

/// Model versions, `v` of models `m`.
pub(crate) const VERSIONS: Subject = Subject {
    entities: &[Entity::Attribute, Entity::Tag],
    attributes: &[
        attribute(&["name"], "m.name", Kind::Text, UseIn::Both, true),
        attribute(&["run_id"], "v.run", Kind::Text, UseIn::Filter, true),
        attribute(
            &["source_path"],
            "v.source",
            Kind::Text,
            UseIn::Filter,
            false,
        ),
        number(&["version_number"], "v.version"),
        attribute(
            &["creation_timestamp"],
            "v.created",
            Kind::Number,
            UseIn::Order,
            false,
        ),
        attribute(
            &["last_updated_timestamp"],
            "v.updated",
            Kind::Number,
            UseIn::Order,
            false,
        ),
    ],
    asks_null: &[],
    tables: Tables {
        metrics: "",
        params: "",
        tags: "model_version_tags",
        owner: "version",
        key: "v.number",
    },
};

/// Logged models, `l`.
pub(crate) const LOGGED_MODELS: Subject = Subject {
    entities: &[
        Entity::Attribute,
        Entity::Metric,
        Entity::Param,
        Entity::Tag,
    ],
    attributes: &[
        attribute(&["name"], "l.name", Kind::Text, UseIn::Both, true),
        attribute(&["model_id"], "l.id", Kind::Text, UseIn::Both, true),
        attribute(
            &["model_type"],
            "l.model_type",
            Kind::Text,
            UseIn::Both,
            true,
        ),
        attribute(&["status"], "l.status", Kind::Text, UseIn::Both, true),
        attribute(
            &["source_run_id"],
            "l.source_run",
            Kind::Text,
            UseIn::Both,
            true,
        ),
        attribute(
            &["experiment_id"],
            "l.experiment",
            Kind::Id,
            UseIn::Both,
            true,
        ),
        number(
            &[
                "creation_timestamp",
                "creation_time",
                "creation_timestamp_ms",
            ],
            "l.created",
        ),
        number(
            &[
                "last_updated_timestamp",
                "last_updated_time",
                "last_updated_timestamp_ms",
            ],
            "l.updated",
        ),
    ],
    asks_null: &[],
    tables: Tables {
        metrics: "logged_model_metrics",
        params: "logged_model_params",
        tags: "logged_model_tags",
        owner: "model",
        key: "l.id",
    },
};

impl Entity {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "metric" | "metrics" => Self::Metric,
            "parameter" | "parameters" | "param" | "params" => Self::Param,
            "tag" | "tags" => Self::Tag,
            "attribute" | "attributes" | "attr" | "run" => Self::Attribute,
            "dataset" | "datasets" => Self::Dataset,
            _ => return None,
        })
    }

    /// The word for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Attribute => "attribute",
            Self::Metric => "metric",
            Self::Param => "parameter",
            Self::Tag => "tag",
            Self::Dataset => "dataset",
        }
    }
}

impl Subject {
    /// The field that a name means, in a filter or in an order.
    pub(crate) fn field(&self, parts: &[Part], place: UseIn) -> Result<Field> {
        let (entity, key) = match parts {
            [] => return Err(invalid("Invalid identifier ''")),
            [only] => (Entity::Attribute, only.text.clone()),
            [first, rest @ ..] => {
                let known = Entity::of(&first.text).filter(|e| self.entities.contains(e));
                let entity = known.ok_or_else(|| {
                    let valid: Vec<_> = self.entities.iter().map(|e| e.name()).collect();
                    invalid(format!(
                        "Invalid entity type '{}'. Valid values are {valid:?}",
                        first.text
                    ))
                })?;
                let rest: Vec<_> = rest.iter().map(|part| part.text.as_str()).collect();
                (entity, rest.join("."))
            }
        };
        match entity {
            Entity::Attribute => self.attribute(&key, place),
            Entity::Dataset => dataset_field(key),
            Entity::Metric => Ok(Field::plain(entity, key, Kind::Number)),
            Entity::Param | Entity::Tag => Ok(Field::plain(entity, key, Kind::Text)),
        }
    }

    fn attribute(&self, key: &str, place: UseIn) -> Result<Field> {
        let usable = || {
            let attributes = self.attributes.iter();
            attributes.filter(|found| found.use_in == UseIn::Both || found.use_in == place)
        };
        let found = usable().find(|found| found.names.contains(&key));
        let found = found.ok_or_else(|| {
            let valid: Vec<_> = usable().map(|found| found.names[0]).collect();
            invalid(format!(
                "Invalid attribute key '{key}' specified. Valid keys are '{valid:?}'"
            ))
        })?;
        Ok(Field {
            entity: Entity::Attribute,
            key: found.names[0].to_owned(),
            column: found.column,
            kind: found.kind,
            lists: found.lists,
        })
    }
}

impl Field {
    fn plain(entity: Entity, key: String, kind: Kind) -> Self {
        Self {
            entity,
            key,
            column: "",
            kind,
            lists: false,
        }
    }
}

fn dataset_field(key: String) -> Result<Field> {
    let column = match key.as_str() {
        "name" => "d.name",
        "digest" => "d.digest",
        "context" => "",
        _ => {
            return Err(invalid(format!(
                "Invalid dataset key '{key}' specified. Valid keys are '[\"name\", \"digest\", \"context\"]'"
            )));
        }
    };
    Ok(Field {
        column,
        lists: true,
        ..Field::plain(Entity::Dataset, key, Kind::Text)
    })
}
