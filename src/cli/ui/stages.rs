//! What `stage list` says.

use hpipe_core::StageName;

use super::style;
use super::text::{one_line, pad, width};

/// The widest column of names; longer ones push what follows aside.
const WIDEST_NAME: usize = 40;

/// A stage in the list.
#[derive(Debug, Clone)]
pub(crate) struct ListedStage {
    /// Which stage.
    pub(crate) name: StageName,
    /// Whether it is frozen.
    pub(crate) is_frozen: bool,
    /// What it is for.
    pub(crate) desc: String,
}

/// Writes a line for each stage, of at most so many columns if it is for a terminal.
pub(crate) fn stages_table(stages: &[ListedStage], columns: Option<usize>) -> String {
    let names = stages.iter().map(|stage| width(stage.name.as_str()));
    let names = names.max().unwrap_or(0).min(WIDEST_NAME);
    let line = |stage: &ListedStage| {
        let name = pad(&style::paint(style::NAME, stage.name.as_str()), names);
        let frozen = match stage.is_frozen {
            true => format!(
                "{} ",
                style::paint(style::of_state(crate::state::State::Frozen), "frozen:")
            ),
            false => String::new(),
        };
        let taken = width(stage.name.as_str()).max(names) + 2 + if stage.is_frozen { 8 } else { 0 };
        let rest = columns.map_or(usize::MAX, |columns| columns.saturating_sub(taken).max(20));
        format!("{name}  {frozen}{}\n", one_line(&stage.desc, rest))
    };
    stages.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_a_stage() {
        let stage = |name: &str, is_frozen, desc: &str| ListedStage {
            name: StageName::known(name),
            is_frozen,
            desc: desc.to_owned(),
        };
        let stages = [
            stage("prepare", false, "Outputs data/clean.csv"),
            stage(
                "train@ridge",
                true,
                "fits the model\nwith care, and for a long time",
            ),
        ];
        let table = stages_table(&stages, Some(50));
        insta::assert_snapshot!(anstream::adapter::strip_str(&table), @r"
        prepare      Outputs data/clean.csv
        train@ridge  frozen: fits the model\nwith care, a…
        ");
    }
}
