//! Every command has what every command shall have.

use clap::Command;

use super::command;

/// Calls `look` with every command and the words that lead to it.
fn walk(command: &Command, words: &str, look: &mut impl FnMut(&str, &Command)) {
    look(words, command);
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        walk(below, &format!("{words} {}", below.get_name()), look);
    }
}

#[test]
fn clap_finds_no_contradiction() {
    command().debug_assert();
}

#[test]
fn every_command_has_an_example_that_is_read_as_that_command() {
    walk(&command(), "hpipe", &mut |words, found| {
        let help = found
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        let examples: Vec<_> = help
            .lines()
            .map(|line| line.trim_start_matches("Example:").trim())
            .filter(|line| line.contains("hpipe "))
            .collect();
        assert!(
            help.starts_with("Example"),
            "`{words} --help` shows no example"
        );
        assert!(
            examples.iter().any(|example| example.contains(words)),
            "`{words} --help` shows another command: {examples:?}"
        );
    });
}

#[test]
fn every_option_and_argument_is_explained() {
    walk(&command(), "hpipe", &mut |words, found| {
        assert!(
            found.get_about().is_some(),
            "`{words}` says not what it does"
        );
        for arg in found.get_arguments() {
            assert!(
                arg.get_help().is_some(),
                "`{words}`: `{}` has no help",
                arg.get_id()
            );
        }
    });
}

#[test]
fn every_command_can_be_quiet_verbose_and_in_colour() {
    let mut built = command();
    built.build();
    walk(&built, "hpipe", &mut |words, found| {
        for option in ["quiet", "verbose", "color"] {
            let has =
                words.contains(" help") || found.get_arguments().any(|arg| arg.get_id() == option);
            assert!(
                has || words.starts_with("hpipe help"),
                "`{words}` lacks --{option}"
            );
        }
    });
}
