//! Settings in JSON: `config list --json`. Format page: `docs/formats/events.md`.

use hpipe_spec::Settings;
use serde::Serialize;

use super::{InOrder, JsonValue, VERSION, line};

/// Encodes the settings in force, each with where it is set.
pub(crate) fn settings(settings: &Settings) -> String {
    let entries = settings.iter().map(|(key, setting)| {
        let encoded = JsonSetting {
            value: JsonValue(&setting.value),
            origin: &setting.origin,
        };
        (key, encoded)
    });
    line(&Listed {
        v: VERSION,
        settings: InOrder(entries.collect()),
    })
}

#[derive(Serialize)]
struct Listed<'a> {
    v: u32,
    settings: InOrder<'a, JsonSetting<'a>>,
}

#[derive(Serialize)]
struct JsonSetting<'a> {
    value: JsonValue<'a>,
    origin: &'a str,
}
