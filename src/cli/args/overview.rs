//! `hpipe --help`: the commands, grouped by what one wants to do.

use std::fmt::Write as _;

use clap::Command;

/// What one wants to do, and the commands for it. A command that stands nowhere is shown last, under `More`.
const GROUPS: &[(&str, &[&str])] = &[
    ("Make things up to date", &["repro", "watch", "tune"]),
    ("See how things stand", &["status", "why", "dag", "logs"]),
    ("See what came out", &["metrics", "params", "plots"]),
    ("Keep track", &["runs", "models", "server"]),
    (
        "Put to use",
        &["predict", "serve", "predictions", "monitor"],
    ),
    (
        "Write a pipeline",
        &["init", "stage", "freeze", "unfreeze", "schema"],
    ),
    (
        "Data and cache",
        &["add", "commit", "checkout", "gc", "cache"],
    ),
    ("hpipe itself", &["config", "root", "completions", "man"]),
];

/// The command with its overview in place of clap's one long list.
pub(super) fn grouped(command: Command) -> Command {
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n{}\n{}\n{{options}}{{after-help}}",
        overview(&command),
        heading(&command, "Options")
    );
    command.help_template(template)
}

fn heading(command: &Command, text: &str) -> String {
    let style = command.get_styles().get_header();
    format!("{style}{text}:{style:#}")
}

fn overview(command: &Command) -> String {
    let grouped = |name: &str| GROUPS.iter().any(|(_, names)| names.contains(&name));
    let visible = || {
        command
            .get_subcommands()
            .filter(|below| !below.is_hide_set())
    };
    let more = visible()
        .map(Command::get_name)
        .filter(|name| !grouped(name));
    let more: Vec<_> = more.collect();
    let groups = GROUPS.iter().copied().chain([("More", more.as_slice())]);
    let width = visible()
        .map(|below| below.get_name().len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for (title, names) in groups {
        let found: Vec<_> = names
            .iter()
            .filter_map(|name| visible().find(|below| below.get_name() == *name))
            .collect();
        if found.is_empty() {
            continue;
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n{}", heading(command, title));
        for below in found {
            let literal = command.get_styles().get_literal();
            let about = below
                .get_about()
                .map(ToString::to_string)
                .unwrap_or_default();
            let _ = writeln!(
                text,
                "  {literal}{:width$}{literal:#}  {}",
                below.get_name(),
                about.trim_end_matches('.')
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Arguments;

    #[test]
    fn every_command_has_its_place() {
        let command = Arguments::command();
        let text = overview(&command);
        assert!(
            !anstream::adapter::strip_str(&text)
                .to_string()
                .contains("More:"),
            "{text}"
        );
    }
}
