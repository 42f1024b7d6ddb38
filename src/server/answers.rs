//! What is recorded, as protobuf's JSON: ids are texts, whole numbers are numbers, NaN and the infinities are texts, and
//! what is absent is left out.
//!
//! [`Tell`] writes each kind of record straight into the text of the answer: a search of a hundred runs tells thousands of
//! values, and a tree of them would cost as much as finding them.

use std::fmt::Display;

use hpipe_track::LedgerError;
use hpipe_track::ledger::{
    ArtifactEntry, Dataset, DatasetInput, DatasetUse, Experiment, LoggedModel, Metric, ModelOutput,
    ModelVersion, Page, Pair, RegisteredModel, Run, RunData, RunInfo, RunInputs,
};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// What a call answers: a text of JSON.
pub(crate) type Answer = Result<String, LedgerError>;

/// What can be told.
pub(crate) trait Tell {
    /// Writes it.
    fn tell<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;
}

/// A record, or several, as they are told.
pub(crate) struct Told<'a, T: ?Sized>(pub(crate) &'a T);

/// Of a logged model, what it logged.
struct ModelData<'a>(&'a LoggedModel);

/// Of a logged model, all else.
struct ModelInfo<'a>(&'a LoggedModel);

/// Something under its name.
struct Named<'a, T>(&'a str, T);

/// A number that is written as a text.
struct Text<T>(T);

/// A floating-point number, which may be none.
struct Number(f64);

/// The answer of a call that has nothing to say.
pub(crate) fn done() -> Answer {
    Ok("{}".to_owned())
}

/// The answer that is one record, or one list of them.
pub(crate) fn one(name: &str, told: &(impl Tell + ?Sized)) -> Answer {
    Ok(text(&Named(name, Told(told))))
}

/// The answer that is one page of a list.
pub(crate) fn page(name: &str, page: &Page<impl Tell>) -> Answer {
    let mut answer = text(&Named(name, Told(page.items.as_slice())));
    if let Some(next) = page.next {
        answer.pop(); // the brace
        answer.extend([r#","next_page_token":"from-"#, &next.to_string(), r#""}"#]);
    }
    Ok(answer)
}

fn text(told: &impl Serialize) -> String {
    match serde_json::to_string(told) {
        Ok(text) => text,
        Err(error) => panic!("bug: an answer cannot be written: {error}"),
    }
}

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            value if value.is_nan() => to.serialize_str("NaN"),
            f64::INFINITY => to.serialize_str("Infinity"),
            f64::NEG_INFINITY => to.serialize_str("-Infinity"),
            value => to.serialize_f64(value),
        }
    }
}

impl<T: Serialize> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_map(Some(1))?;
        object.serialize_entry(self.0, &self.1)?;
        object.end()
    }
}

impl<T: Tell + ?Sized> Serialize for Told<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.tell(to)
    }
}

impl<T: Tell> Tell for [T] {
    fn tell<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter().map(Told))
    }
}

/// Says which fields an object has: those that are always there, and those that are left out where they are none.
macro_rules! told {
    ($kind:ty, $it:ident, { $($name:literal: $value:expr,)* }) => {
        told!($kind, $it, { $($name: $value,)* }, {});
    };
    ($kind:ty, $it:ident, { $($name:literal: $value:expr,)* }, { $($maybe:literal: $option:expr,)* }) => {
        impl Tell for $kind {
            fn tell<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let $it = self;
                let mut object = to.serialize_map(None)?;
                $(object.serialize_entry($name, &$value)?;)*
                $(if let Some(value) = &$option {
                    object.serialize_entry($maybe, value)?;
                })*
                object.end()
            }
        }
    };
}

told!(Pair, pair, {
    "key": pair.key,
    "value": pair.value,
});

told!(Experiment, experiment, {
    "experiment_id": Text(experiment.id),
    "name": experiment.name,
    "artifact_location": experiment.artifact_location,
    "lifecycle_stage": experiment.lifecycle.name(),
    "creation_time": experiment.created,
    "last_update_time": experiment.updated,
    "tags": Told(experiment.tags.as_slice()),
});

told!(RunInfo, info, {
    "run_id": info.id,
    "run_uuid": info.id,
    "run_name": info.name,
    "experiment_id": Text(info.experiment),
    "user_id": info.user,
    "status": info.status,
    "artifact_uri": info.artifact_uri,
    "lifecycle_stage": info.lifecycle.name(),
}, {
    "start_time": info.start_time,
    "end_time": info.end_time,
});

told!(Metric, metric, {
    "key": metric.key,
    "value": Number(metric.value),
    "timestamp": metric.timestamp,
    "step": metric.step,
}, {
    "model_id": metric.model_id,
    "dataset_name": metric.dataset_name,
    "dataset_digest": metric.dataset_digest,
    "run_id": metric.run_id,
});

told!(RunData, data, {
    "metrics": Told(data.metrics.as_slice()),
    "params": Told(data.params.as_slice()),
    "tags": Told(data.tags.as_slice()),
});

told!(DatasetInput, input, {
    "dataset": Told(&input.dataset),
    "tags": Told(input.tags.as_slice()),
});

told!(Dataset, data, {
    "name": data.name,
    "digest": data.digest,
    "source_type": data.source_type,
    "source": data.source,
}, {
    "schema": data.schema,
    "profile": data.profile,
});

told!(DatasetUse, used, {
    "experiment_id": Text(used.experiment),
    "name": used.name,
    "digest": used.digest,
}, {
    "context": used.context,
});

told!(RunInputs, inputs, {
    "dataset_inputs": Told(inputs.datasets.as_slice()),
    "model_inputs": Told(inputs.models.as_slice()),
});

// A logged model that a run read, by its id.
told!(String, model, {
    "model_id": model,
});

told!(ModelOutput, output, {
    "model_id": output.model_id,
    "step": output.step,
});

told!(Run, run, {
    "info": Told(&run.info),
    "data": Told(&run.data),
    "inputs": Told(&run.inputs),
    "outputs": Named("model_outputs", Told(run.inputs.outputs.as_slice())),
});

told!(LoggedModel, model, {
    "info": Told(&ModelInfo(model)),
    "data": Told(&ModelData(model)),
});

told!(ModelInfo<'_>, info, {
    "model_id": info.0.id,
    "experiment_id": Text(info.0.experiment),
    "name": info.0.name,
    "artifact_uri": info.0.artifact_location,
    "creation_timestamp_ms": info.0.created,
    "last_updated_timestamp_ms": info.0.updated,
    "status": info.0.status,
    "tags": Told(info.0.tags.as_slice()),
}, {
    "status_message": info.0.status_message,
    "model_type": info.0.model_type,
    "source_run_id": info.0.source_run,
});

told!(ModelData<'_>, data, {
    "params": Told(data.0.params.as_slice()),
    "metrics": Told(data.0.metrics.as_slice()),
});

told!(ModelVersion, version, {
    "name": version.name,
    "version": Text(version.version),
    "creation_timestamp": version.created,
    "last_updated_timestamp": version.updated,
    "current_stage": version.stage,
    "source": version.source,
    "status": version.status,
    "tags": Told(version.tags.as_slice()),
    "aliases": version.aliases,
}, {
    "description": version.description,
    "user_id": version.user,
    "run_id": version.run_id,
    "run_link": version.run_link,
    "model_id": version.model_id,
    "status_message": version.status_message,
});

// A name for a version.
told!((String, i64), alias, {
    "alias": alias.0,
    "version": Text(alias.1),
});

told!(RegisteredModel, model, {
    "name": model.name,
    "creation_timestamp": model.created,
    "last_updated_timestamp": model.updated,
    "latest_versions": Told(model.latest.as_slice()),
    "tags": Told(model.tags.as_slice()),
    "aliases": Told(model.aliases.as_slice()),
}, {
    "description": model.description,
});

told!(ArtifactEntry, entry, {
    "path": entry.name,
    "is_dir": entry.size.is_none(),
}, {
    "file_size": entry.size,
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_none_are_texts_and_what_is_absent_is_left_out() {
        let metric = |value| Metric {
            key: "a\"b".to_owned(),
            value,
            timestamp: 7,
            ..Metric::default()
        };
        for (value, expect) in [
            (f64::NAN, r#""NaN""#),
            (f64::INFINITY, r#""Infinity""#),
            (f64::NEG_INFINITY, r#""-Infinity""#),
            (0.1, "0.1"),
            (3.0, "3.0"),
        ] {
            let expect = format!(r#"{{"key":"a\"b","value":{expect},"timestamp":7,"step":0}}"#);
            assert_eq!(text(&Told(&metric(value))), expect);
        }
    }

    #[test]
    fn a_page_says_where_the_next_begins() {
        let pairs = |next| Page {
            items: vec![Pair::new("k", "v")],
            next,
        };
        let list = r#"{"tags":[{"key":"k","value":"v"}]"#;
        assert_eq!(page("tags", &pairs(None)).unwrap(), format!("{list}}}"));
        assert_eq!(
            page("tags", &pairs(Some(5))).unwrap(),
            format!(r#"{list},"next_page_token":"from-5"}}"#)
        );
    }
}
