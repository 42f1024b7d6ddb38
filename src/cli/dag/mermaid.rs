//! The graph in Mermaid's language, which GitHub and GitLab draw in Markdown.

use super::{Graph, Node};
use crate::state::State;

/// Writes the graph as a Mermaid flowchart.
pub(crate) fn to_mermaid(graph: &Graph) -> String {
    let mut lines = vec!["flowchart TD".to_owned()];
    lines.extend(nodes(graph));
    lines.extend(
        graph
            .edges()
            .iter()
            .map(|(from, to)| format!("    {} --> {}", id(*from), id(*to))),
    );
    lines.extend(graph.legend().into_iter().map(class));
    lines.join("\n") + "\n"
}

/// Writes the graph as Mermaid in a fenced block of Markdown.
pub(crate) fn to_markdown(graph: &Graph) -> String {
    format!("```mermaid\n{}```\n", to_mermaid(graph))
}

/// The nodes: those of no group first, then each group in its subgraph.
fn nodes(graph: &Graph) -> Vec<String> {
    let statement = |node: usize| statement(node, &graph.nodes()[node]);
    let mut lines: Vec<_> = graph
        .ungrouped()
        .map(|node| format!("    {}", statement(node)))
        .collect();
    for (nth, (group, members)) in graph.groups().into_iter().enumerate() {
        lines.push(format!("    subgraph group{nth}[\"{}\"]", escaped(group)));
        lines.extend(
            members
                .into_iter()
                .map(|node| format!("        {}", statement(node))),
        );
        lines.push("    end".to_owned());
    }
    lines
}

/// A node with its label and the class of its state.
fn statement(i: usize, node: &Node) -> String {
    let name = escaped(&node.name);
    match node.state.mark() {
        Some(mark) => format!(
            "{}[\"{} {name}\"]:::{}",
            id(i),
            escaped(&mark.to_string()),
            node.state.name()
        ),
        None => format!("{}[\"{name}\"]", id(i)),
    }
}

/// Names of nodes must not be words of the language, which stage names may be (`end`).
fn id(node: usize) -> String {
    format!("stage{node}")
}

/// The colours of a state; the text keeps its own colour, so they are pale and work in a dark theme with dark text.
fn class(state: State) -> String {
    let colors = match state {
        State::UpToDate => "fill:#dafbe1,stroke:#2da44e,color:#1f2328",
        State::Stale => "fill:#fff8c5,stroke:#bf8700,color:#1f2328",
        State::MayBeStale => "fill:#fbefff,stroke:#8250df,color:#1f2328,stroke-dasharray:4",
        State::Frozen => "fill:#ddf4ff,stroke:#0969da,color:#1f2328",
        State::Unknown => "fill:#f6f8fa,stroke:#57606a,color:#1f2328",
    };
    format!("    classDef {} {colors}", state.name())
}

/// A label's text: all that Mermaid could take for quotes, entities, HTML or Markdown becomes an entity.
fn escaped(text: &str) -> String {
    let mut previous = None;
    let escape = |c: char| {
        // `- x` and `1. x` are Markdown lists.
        let lists = c == '-' && previous.is_none() || c == ' ' && previous == Some('.');
        previous = Some(c);
        match c {
            c if c.is_control() => " ".to_owned(),
            c if is_plain(c) && !lists => c.to_string(),
            c => format!("#{};", u32::from(c)),
        }
    };
    text.chars().map(escape).collect()
}

/// Whether a character means nothing to Mermaid.
fn is_plain(c: char) -> bool {
    !c.is_ascii() || c.is_ascii_alphanumeric() || " -_/@.:=,".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dag::example;

    #[test]
    fn draws_our_own_pipeline() {
        insta::assert_snapshot!(to_markdown(&example::housing()), @r##"
        ```mermaid
        flowchart TD
            stage0["✓ ingest"]:::up_to_date
            stage1["✓ split"]:::up_to_date
            stage2["● features"]:::stale
            stage7["○ evaluate"]:::may_be_stale
            subgraph group0["train"]
                stage3["○ train@linear"]:::may_be_stale
                stage4["○ train@ridge"]:::may_be_stale
                stage5["○ train@lasso"]:::may_be_stale
                stage6["#42; train@elastic_net"]:::frozen
            end
            stage0 --> stage1
            stage1 --> stage2
            stage2 --> stage3
            stage2 --> stage4
            stage2 --> stage5
            stage2 --> stage6
            stage2 --> stage7
            stage3 --> stage7
            stage4 --> stage7
            stage5 --> stage7
            stage6 --> stage7
            classDef up_to_date fill:#dafbe1,stroke:#2da44e,color:#1f2328
            classDef stale fill:#fff8c5,stroke:#bf8700,color:#1f2328
            classDef may_be_stale fill:#fbefff,stroke:#8250df,color:#1f2328,stroke-dasharray:4
            classDef frozen fill:#ddf4ff,stroke:#0969da,color:#1f2328
        ```
        "##);
    }

    #[test]
    fn nothing_in_a_name_is_taken_for_syntax() {
        for (name, expect) in [
            ("end", "end"),
            ("a \"b\"", "a #34;b#34;"),
            ("a#b;<i>", "a#35;b#59;#60;i#62;"),
            ("- x", "#45; x"),
            ("1. x", "1.#32;x"),
            ("train-a@ridge/ü", "train-a@ridge/ü"),
            ("`x` *y*", "#96;x#96; #42;y#42;"),
        ] {
            assert_eq!(escaped(name), expect);
        }
    }
}
