//! `track:`, what becomes of the executions of a stage in the records of runs.
//!
//! Read and checked here; whether a stage that says nothing is tracked, and what a run holds, is the recorder's.

use hpipe_core::Value;

use crate::node::{Data, Entry};
use crate::scalar::inserted;
use crate::shape;
use crate::stage::Reader;

/// Keys of `track:`.
pub(crate) const TRACK: &[&str] = &["experiment", "name", "tags"];

/// How executions become runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Track {
    /// Whether they do: `track: false` says no, everything else yes.
    pub is_wanted: bool,
    /// The experiment; none leaves it to the settings.
    pub experiment: Option<String>,
    /// The name of the runs; none for the name of the stage.
    pub name: Option<String>,
    /// Tags of the runs, in the order written.
    pub tags: Vec<(String, String)>,
}

impl Reader<'_> {
    /// `true`, `false`, or `{experiment: …, name: …, tags: {…}}`; none if the stage says nothing of it.
    pub(crate) fn track(&mut self) -> Option<Track> {
        let entry = self.find("track").filter(|entry| !entry.value.is_null())?;
        let mut track = Track {
            is_wanted: true,
            ..Track::default()
        };
        match &entry.value.data {
            Data::Map(_) => self.track_of_keys(&mut track),
            Data::Bool(wanted) => track.is_wanted = *wanted,
            _ => {
                let what = format!("`track` of {}", self.what);
                let expected = "`true`, `false`, or a mapping with `experiment`, `name` and `tags`";
                self.faults.wrong_type(&entry.value, what, expected);
            }
        }
        Some(track)
    }

    fn track_of_keys(&mut self, track: &mut Track) {
        for Entry { key, value } in self.section("track", TRACK) {
            let what = format!("`{}` in `track` of {}", key.text, self.what);
            match key.text.as_str() {
                _ if value.is_null() => {}
                "experiment" | "name" => {
                    let text = shape::text(value, &what, self.faults);
                    if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
                        self.faults
                            .unfitting(value, what, "a text that is not empty");
                        continue;
                    }
                    let text = text.map(std::borrow::Cow::into_owned);
                    match key.text.as_str() {
                        "name" => track.name = text,
                        _ => track.experiment = text,
                    }
                }
                "tags" => {
                    for tag in shape::map(value, &what, "a mapping of tags", self.faults) {
                        track.tags.extend(self.track_tag(tag));
                    }
                }
                _ => {} // told by `section`
            }
        }
    }

    fn track_tag(&mut self, tag: &Entry) -> Option<(String, String)> {
        let text = match tag.value.to_value() {
            Value::Null => Some(String::new()),
            value => inserted(&value),
        };
        if text.is_none() {
            let what = format!("the tag `{}` in `track` of {}", tag.key.text, self.what);
            let expected = "a text, a number or a boolean";
            self.faults.wrong_type(&tag.value, what, expected);
        }
        Some((tag.key.text.clone(), text?))
    }
}
