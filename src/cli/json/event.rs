//! The form of each event. A line begins with `v` and `event`; the rest depends on the event.

use std::time::Duration;

use hpipe_core::{
    Diagnostic, Event, LineColumn, Outcome, ProjectPath, Reason, Severity, Sources, StageFailure,
    StageName, Summary,
};
use serde::Serialize;

use super::value::JsonReason;
use super::{VERSION, line};

/// Encodes an event.
pub(super) fn encode(event: &Event) -> String {
    match event {
        Event::Plan { stages } => plan(stages),
        Event::StageStarted {
            stage,
            reasons,
            expected,
        } => stage_started(stage, reasons, *expected),
        Event::StageProgress {
            stage,
            done,
            total,
            message,
        } => stage_progress(stage, *done, *total, message),
        Event::StageNote { stage, text } => stage_note(stage, text),
        Event::StageWaiting { stage } => stage_waiting(stage),
        Event::StageFinished {
            stage,
            outcome,
            duration,
            reasons,
            failure,
        } => stage_finished(stage, *outcome, *duration, reasons, failure.as_ref()),
        Event::Warning { text } => warning(text),
        Event::Finished(summary) => finished(summary),
        Event::Watching { paths } => watching(*paths),
        Event::Woke { paths } => woke(paths),
    }
}

/// What every line begins with.
#[derive(Serialize)]
struct Envelope<'a, T> {
    v: u32,
    event: &'a str,
    #[serde(flatten)]
    body: T,
}

fn event_line(event: &str, body: impl Serialize) -> String {
    line(&Envelope {
        v: VERSION,
        event,
        body,
    })
}

fn plan(stages: &[StageName]) -> String {
    #[derive(Serialize)]
    struct Plan<'a> {
        stages: Vec<&'a str>,
    }
    let stages = stages.iter().map(StageName::as_str).collect();
    event_line("plan", Plan { stages })
}

fn stage_started(stage: &StageName, why: &[Reason], expected: Option<Duration>) -> String {
    #[derive(Serialize)]
    struct StageStarted<'a> {
        stage: &'a str,
        reasons: Vec<JsonReason<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expected_seconds: Option<f64>,
    }
    let body = StageStarted {
        stage: stage.as_str(),
        reasons: reasons(why),
        expected_seconds: expected.map(seconds),
    };
    event_line("stage_started", body)
}

fn stage_progress(stage: &StageName, done: u64, total: Option<u64>, message: &str) -> String {
    #[derive(Serialize)]
    struct StageProgress<'a> {
        stage: &'a str,
        done: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        total: Option<u64>,
        #[serde(skip_serializing_if = "str::is_empty")]
        message: &'a str,
    }
    let body = StageProgress {
        stage: stage.as_str(),
        done,
        total,
        message,
    };
    event_line("stage_progress", body)
}

fn stage_note(stage: &StageName, text: &str) -> String {
    #[derive(Serialize)]
    struct StageNote<'a> {
        stage: &'a str,
        text: &'a str,
    }
    let stage = stage.as_str();
    event_line("stage_note", StageNote { stage, text })
}

fn stage_waiting(stage: &StageName) -> String {
    #[derive(Serialize)]
    struct StageWaiting<'a> {
        stage: &'a str,
    }
    let stage = stage.as_str();
    event_line("stage_waiting", StageWaiting { stage })
}

fn stage_finished(
    stage: &StageName,
    outcome: Outcome,
    took: Duration,
    why: &[Reason],
    failure: Option<&StageFailure>,
) -> String {
    #[derive(Serialize)]
    struct StageFinished<'a> {
        stage: &'a str,
        outcome: &'static str,
        seconds: f64,
        reasons: Vec<JsonReason<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<Failure<'a>>,
    }
    let body = StageFinished {
        stage: stage.as_str(),
        outcome: outcome.name(),
        seconds: seconds(took),
        reasons: reasons(why),
        error: failure.map(Failure::from),
    };
    event_line("stage_finished", body)
}

/// Why a stage failed.
#[derive(Serialize)]
struct Failure<'a> {
    code: &'static str,
    kind: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    output: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
}

impl<'a> From<&'a StageFailure> for Failure<'a> {
    fn from(failure: &'a StageFailure) -> Self {
        Self {
            code: failure.code.text(),
            kind: failure.code.kind().name(),
            message: &failure.message,
            help: failure.help.as_deref(),
            output: &failure.output,
            log: failure.log.as_ref().map(|log| log.display().to_string()),
        }
    }
}

fn warning(message: &str) -> String {
    #[derive(Serialize)]
    struct Warning<'a> {
        message: &'a str,
    }
    event_line("warning", Warning { message })
}

fn finished(summary: &Summary) -> String {
    #[derive(Serialize)]
    struct Finished {
        ran: usize,
        restored: usize,
        up_to_date: usize,
        failed: usize,
        blocked: usize,
        #[serde(skip_serializing_if = "is_zero")]
        would_run: usize,
        #[serde(skip_serializing_if = "is_zero")]
        would_restore: usize,
        seconds: f64,
    }
    let body = Finished {
        ran: summary.ran,
        restored: summary.restored,
        up_to_date: summary.up_to_date,
        failed: summary.failed,
        blocked: summary.blocked,
        would_run: summary.would_run,
        would_restore: summary.would_restore,
        seconds: seconds(summary.duration),
    };
    event_line("finished", body)
}

fn watching(paths: usize) -> String {
    #[derive(Serialize)]
    struct Watching {
        paths: usize,
    }
    event_line("watching", Watching { paths })
}

fn woke(paths: &[ProjectPath]) -> String {
    #[derive(Serialize)]
    struct Woke<'a> {
        paths: Vec<&'a str>,
    }
    let paths = paths.iter().map(ProjectPath::as_str).collect();
    event_line("woke", Woke { paths })
}

/// Encodes a fault with the place of its first label.
pub(super) fn encode_diagnostic(diagnostic: &Diagnostic, sources: &Sources) -> String {
    #[derive(Serialize)]
    struct Fault<'a> {
        code: &'static str,
        kind: &'static str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        file: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<usize>,
        #[serde(skip_serializing_if = "Option::is_none")]
        column: Option<usize>,
        #[serde(skip_serializing_if = "Option::is_none")]
        help: Option<&'a str>,
    }
    let span = diagnostic.labels.first().map(|label| label.span);
    let place: Option<LineColumn> = span.map(|span| sources.locate(span));
    let body = Fault {
        code: diagnostic.code.text(),
        kind: diagnostic.code.kind().name(),
        message: &diagnostic.message,
        file: span.map(|span| sources.name(span.source)),
        line: place.map(|place| place.line),
        column: place.map(|place| place.column),
        help: diagnostic.help.as_deref(),
    };
    let event = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    event_line(event, body)
}

fn reasons(reasons: &[Reason]) -> Vec<JsonReason<'_>> {
    reasons.iter().map(JsonReason::from).collect()
}

/// Seconds to the microsecond; more digits are noise.
fn seconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e6
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use hpipe_core::{Code, ReasonKind, Span, Value};

    fn stage(name: &str) -> StageName {
        StageName::known(name)
    }

    fn lr() -> Vec<Reason> {
        vec![Reason::changed(
            ReasonKind::ParamChanged,
            "lr",
            Value::Float(0.1),
            Value::Float(f64::NAN),
        )]
    }

    fn finished_with(
        outcome: Outcome,
        reasons: Vec<Reason>,
        failure: Option<StageFailure>,
    ) -> String {
        encode(&Event::StageFinished {
            stage: stage("train"),
            outcome,
            duration: Duration::from_micros(3_200_001),
            reasons,
            failure,
        })
    }

    #[test]
    fn plan_and_start() {
        insta::assert_snapshot!(encode(&Event::Plan { stages: vec![stage("a"), stage("b@1")] }), @r#"{"v":1,"event":"plan","stages":["a","b@1"]}"#);
        let started = |expected| Event::StageStarted {
            stage: stage("b"),
            reasons: lr(),
            expected,
        };
        insta::assert_snapshot!(encode(&started(None)), @r#"{"v":1,"event":"stage_started","stage":"b","reasons":[{"kind":"param_changed","name":"lr","old":0.1,"new":"NaN"}]}"#);
        insta::assert_snapshot!(encode(&started(Some(Duration::from_millis(12_400)))), @r#"{"v":1,"event":"stage_started","stage":"b","reasons":[{"kind":"param_changed","name":"lr","old":0.1,"new":"NaN"}],"expected_seconds":12.4}"#);
    }

    #[test]
    fn the_end_of_a_stage() {
        insta::assert_snapshot!(finished_with(Outcome::UpToDate, vec![], None), @r#"{"v":1,"event":"stage_finished","stage":"train","outcome":"up_to_date","seconds":3.200001,"reasons":[]}"#);
        let failure = StageFailure {
            code: Code::StageFailed,
            message: "exited with code 2".to_owned(),
            help: None,
            output: "line\n".to_owned(),
            log: Some(".cache/logs/1".into()),
        };
        insta::assert_snapshot!(finished_with(Outcome::Failed, lr(), Some(failure)), @r#"{"v":1,"event":"stage_finished","stage":"train","outcome":"failed","seconds":3.200001,"reasons":[{"kind":"param_changed","name":"lr","old":0.1,"new":"NaN"}],"error":{"code":"E100","kind":"stage_failed","message":"exited with code 2","output":"line\n","log":".cache/logs/1"}}"#);
    }

    #[test]
    fn what_is_told_between() {
        let progress = |total| Event::StageProgress {
            stage: stage("a"),
            done: 3,
            total,
            message: String::new(),
        };
        insta::assert_snapshot!(encode(&progress(Some(5))), @r#"{"v":1,"event":"stage_progress","stage":"a","done":3,"total":5}"#);
        insta::assert_snapshot!(encode(&progress(None)), @r#"{"v":1,"event":"stage_progress","stage":"a","done":3}"#);
        insta::assert_snapshot!(encode(&Event::StageNote { stage: stage("a"), text: "kept it".into() }), @r#"{"v":1,"event":"stage_note","stage":"a","text":"kept it"}"#);
        insta::assert_snapshot!(encode(&Event::StageWaiting { stage: stage("a") }), @r#"{"v":1,"event":"stage_waiting","stage":"a"}"#);
        insta::assert_snapshot!(encode(&Event::Warning { text: "odd".into() }), @r#"{"v":1,"event":"warning","message":"odd"}"#);
        insta::assert_snapshot!(encode(&Event::Watching { paths: 3 }), @r#"{"v":1,"event":"watching","paths":3}"#);
        insta::assert_snapshot!(encode(&Event::Woke { paths: vec![ProjectPath::new("a.csv")] }), @r#"{"v":1,"event":"woke","paths":["a.csv"]}"#);
    }

    #[test]
    fn the_end_of_all() {
        let mut summary = Summary {
            duration: Duration::from_millis(12_900),
            ..Summary::default()
        };
        summary.count(Outcome::Ran);
        insta::assert_snapshot!(encode(&Event::Finished(summary)), @r#"{"v":1,"event":"finished","ran":1,"restored":0,"up_to_date":0,"failed":0,"blocked":0,"seconds":12.9}"#);
        summary.count(Outcome::WouldRun);
        insta::assert_snapshot!(encode(&Event::Finished(summary)), @r#"{"v":1,"event":"finished","ran":1,"restored":0,"up_to_date":0,"failed":0,"blocked":0,"would_run":1,"seconds":12.9}"#);
    }

    #[test]
    fn faults_have_their_place() {
        let mut sources = Sources::default();
        let source = sources.add("pipeline.yaml", "a:\n  é: 1\n");
        let fault = Diagnostic::error(Code::UnknownKey, "unknown key").at(
            Span {
                source,
                start: 8,
                end: 9,
            },
            "",
        );
        insta::assert_snapshot!(encode_diagnostic(&fault.help("remove it"), &sources), @r#"{"v":1,"event":"error","code":"E002","kind":"invalid_file","message":"unknown key","file":"pipeline.yaml","line":2,"column":5,"help":"remove it"}"#);
        let odd = Diagnostic::warning(Code::BadLockFile, "pipeline.lock is empty");
        insta::assert_snapshot!(encode_diagnostic(&odd, &Sources::default()), @r#"{"v":1,"event":"warning","code":"E023","kind":"invalid_file","message":"pipeline.lock is empty"}"#);
    }
}
