//! Sets one value in the text of a settings file: comments and layout stay.
//!
//! What comes out is read again and must say what was there before, and the new value; so a layout nobody thought of is an
//! error, never a file with another meaning.

use hpipe_core::{Code, Diagnostic, ProjectPath, Sources, Value};

use super::value::Kind;
use super::{SettingsLayer, help_on, kind_of, nowhere};
use crate::edit::params as params_edit;
use crate::faults::Faults;
use crate::node::{Data, Entry, Node};
use crate::params;

/// The text of the settings file `name` with the setting `key` set to what `value` says, as on a command line.
///
/// # Errors
/// The faults, and what their spans point into: there is no such setting, it does not take such a value, or the text cannot be
/// read.
pub fn set_setting(
    name: &str,
    text: &str,
    key: &str,
    value: &str,
) -> Result<String, (Vec<Diagnostic>, Sources)> {
    let plain = |fault: Diagnostic| (vec![fault], Sources::default());
    let Some(kind) = kind_of(key) else {
        let fault = Diagnostic::error(Code::UnknownKey, format!("there is no setting `{key}`"));
        return Err(plain(fault.help(help_on(key))));
    };
    let value = checked(kind, key, value).map_err(|faults| (faults, Sources::default()))?;
    let before = SettingsLayer::parse(name, text);
    if before.diagnostics.iter().any(Diagnostic::is_error) {
        return Err((before.diagnostics, before.sources));
    }
    let edited = placed(text, key, &params_edit::flow(&value, false));
    let after = SettingsLayer::parse(name, &edited);
    let mut expected = before.settings.clone();
    expected.0.remove(key);
    let mut found = after.settings.clone();
    let is_set = found
        .0
        .remove(key)
        .is_some_and(|setting| setting.value == value);
    match is_set && found == expected {
        true => Ok(edited),
        false => Err(plain(
            Diagnostic::error(
                Code::BadSettings,
                format!("`{key}` cannot be set in `{name}` as it is laid out"),
            )
            .help("set it with an editor"),
        )),
    }
}

/// The text of the settings file `name` without `key`, comments and layout elsewhere as they were; none if it is not set
/// there.
///
/// # Errors
/// [`Code::UnknownKey`] for a name no setting has; every fault of the text; [`Code::BadSettings`] where the line cannot be
/// taken out.
pub fn unset_setting(
    name: &str,
    text: &str,
    key: &str,
) -> Result<Option<String>, (Vec<Diagnostic>, Sources)> {
    let plain = |fault: Diagnostic| (vec![fault], Sources::default());
    if kind_of(key).is_none() {
        let fault = Diagnostic::error(Code::UnknownKey, format!("there is no setting `{key}`"));
        return Err(plain(fault.help(help_on(key))));
    }
    let before = SettingsLayer::parse(name, text);
    if before.diagnostics.iter().any(Diagnostic::is_error) {
        return Err((before.diagnostics, before.sources));
    }
    let mut expected = before.settings.clone();
    if expected.0.remove(key).is_none() {
        return Ok(None);
    }
    let edited = without(text, key);
    match SettingsLayer::parse(name, &edited).settings == expected {
        true => Ok(Some(edited)),
        false => Err(plain(
            Diagnostic::error(
                Code::BadSettings,
                format!("`{key}` cannot be taken out of `{name}` as it is laid out"),
            )
            .help("take it out with an editor"),
        )),
    }
}

/// The text without the lines on which a setting stands.
fn without(text: &str, key: &str) -> String {
    let path = ProjectPath::new("settings.toml");
    let mut sources = Sources::default();
    let source = sources.add("settings", text);
    let entries = params::read(&path, text, source, &mut Faults::default()).unwrap_or_default();
    let (table, name) = key.split_once('.').unwrap_or(("", key));
    let outer = entries.iter().find(|entry| entry.key.text == table);
    let inner = match outer.map(|entry| &entry.value.data) {
        Some(Data::Map(inner)) => inner.as_slice(),
        _ if table.is_empty() => entries.as_slice(),
        _ => &[],
    };
    let Some(old) = inner.iter().find(|entry| entry.key.text == name) else {
        return text.to_owned();
    };
    let (start, end) = (old.key.span.start as usize, old.value.span.end as usize);
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let next = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
    format!("{}{}", &text[..line], &text[next..])
}

/// What a word of the command line means for this setting.
fn checked(kind: Kind, key: &str, text: &str) -> Result<Value, Vec<Diagnostic>> {
    let mut faults = Faults::default();
    let node = Node::new(kind.of_text(text, nowhere()), nowhere());
    kind.read(key, &node, &mut faults).ok_or_else(|| {
        // There is no text to point into.
        let mut faults = faults.into_vec();
        faults.iter_mut().for_each(|fault| fault.labels.clear());
        faults
    })
}

/// The text with `key = value`: in the place of the old value, at the end of its table, or in a new table.
fn placed(text: &str, key: &str, value: &str) -> String {
    let path = ProjectPath::new("settings.toml");
    let mut sources = Sources::default();
    let source = sources.add("settings", text);
    let entries = params::read(&path, text, source, &mut Faults::default()).unwrap_or_default();
    let (table, name) = key.split_once('.').unwrap_or(("", key));
    let inner = match entries.iter().find(|entry| entry.key.text == table) {
        Some(Entry { value, .. }) => match &value.data {
            Data::Map(inner) => inner.as_slice(),
            _ => &[],
        },
        None if table.is_empty() => entries.as_slice(),
        None => &[],
    };
    if let Some(old) = inner.iter().find(|entry| entry.key.text == name) {
        let (start, end) = (old.value.span.start as usize, old.value.span.end as usize);
        return format!("{}{value}{}", &text[..start], &text[end..]);
    }
    let line = format!("{} = {value}\n", quoted(name));
    if table.is_empty() {
        return format!("{line}{text}");
    }
    let header = format!("[{table}]");
    let mut offset = 0;
    for row in text.split_inclusive('\n') {
        offset += row.len();
        if row
            .split('#')
            .next()
            .is_some_and(|row| row.trim() == header)
        {
            let newline = if row.ends_with('\n') { "" } else { "\n" };
            return format!("{}{newline}{line}{}", &text[..offset], &text[offset..]);
        }
    }
    let gap = match (text.is_empty(), text.ends_with('\n')) {
        (true, _) => "",
        (false, true) => "\n",
        (false, false) => "\n\n",
    };
    format!("{text}{gap}{header}\n{line}")
}

/// A name as a key of TOML.
fn quoted(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match name.chars().all(is_bare) {
        true => name.to_owned(),
        false => params_edit::flow(&Value::Text(name.to_owned()), false),
    }
}
