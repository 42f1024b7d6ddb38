//! What is wrong with a command line, in clap's words or in better ones.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use hpipe_core::{Code, Diagnostic};

/// Commands of DVC and of our own that a later version brings, with what to do until then.
const LATER: &[(&str, &str)] = &[
    (
        "push",
        "until then, share `.cache` as a folder, or commit small outs with `cache: false` to git",
    ),
    (
        "pull",
        "until then, `hpipe repro` makes what is not in the cache",
    ),
    (
        "fetch",
        "until then, `hpipe repro` makes what is not in the cache",
    ),
    (
        "import-url",
        "until then, a stage with `cmd: curl …` and `frozen: true` does it",
    ),
    (
        "import",
        "until then, a stage with `cmd: git …` and `frozen: true` does it",
    ),
    (
        "update",
        "until then, unfreeze the stage that downloads, and `hpipe repro` it",
    ),
    (
        "exp",
        "until then, `hpipe tune` searches params, and git keeps what you compare with `hpipe metrics diff`",
    ),
    ("remote", "until then, share `.cache` as a folder"),
];

/// A mistake as a diagnostic; none where clap's own words do as well, and for help and version.
pub(crate) fn better(error: &clap::Error) -> Option<Diagnostic> {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    if let Some((_, until)) = LATER.iter().find(|(later, _)| later == word) {
        let message = format!("hpipe has no command `{word}` yet; a later version brings it");
        return Some(Diagnostic::error(Code::Usage, message).help(*until));
    }
    let fault = Diagnostic::error(Code::Usage, format!("hpipe has no command `{word}`"));
    Some(match suggested(error, word) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("`hpipe --help` lists the commands"),
    })
}

/// A mistake for programs: the first paragraph of what clap says, its tips as help.
pub(crate) fn plain(error: &clap::Error) -> Diagnostic {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let (message, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let message: Vec<_> = message.split_whitespace().collect();
    let tips = rest
        .lines()
        .filter_map(|line| line.trim().strip_prefix("tip: "));
    let usage = rest
        .lines()
        .find_map(|line| line.trim().strip_prefix("Usage: "));
    let help: Vec<_> = tips
        .map(str::to_owned)
        .chain(usage.map(|usage| format!("usage: {usage}")))
        .collect();
    Diagnostic {
        help: (!help.is_empty()).then(|| help.join("; ")),
        ..Diagnostic::error(Code::Usage, message.join(" "))
    }
}

/// Whether words that could not be read asked for JSON.
pub(crate) fn asks_for_json(mut words: impl Iterator<Item = OsString>) -> bool {
    let options = words.by_ref().take_while(|word| word != "--");
    options.into_iter().any(|word| word == "--json")
}

/// The command that was probably meant: by the house's measure of nearness, or one that begins like the word; else what
/// clap thinks of.
fn suggested(error: &clap::Error, word: &str) -> Option<String> {
    let command = crate::args::command();
    let names: Vec<_> = command
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    let begins_so = |name: &&&str| word.len() > 1 && name.starts_with(word);
    let near = hpipe_core::nearest(word, names.iter().copied());
    if let Some(near) = names.iter().find(begins_so).copied().or(near) {
        return Some(near.to_owned());
    }
    match error.get(ContextKind::SuggestedSubcommand)? {
        ContextValue::String(one) => Some(one.clone()),
        ContextValue::Strings(several) => several.first().cloned(),
        _ => None,
    }
}
