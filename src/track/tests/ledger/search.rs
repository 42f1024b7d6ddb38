//! Filter, order and pages, on real rows.

use hpipe_track::ledger::{
    Dataset, DatasetInput, ExperimentQuery, Ledger, LoggedModelQuery, ModelOrder, NewLoggedModel,
    NewModelVersion, Pair, RegistryQuery, RunQuery, View,
};

use crate::support::{ledger, log_metric, log_param, metric, run, said, set_tag};

/// Four runs `a` to `d`; `d` is bare.
fn filled() -> (tempfile::TempDir, Ledger) {
    let (root, ledger) = ledger();
    for (name, start) in [("a", 10), ("b", 20), ("c", 30), ("d", 40)] {
        let id = run(&ledger, start);
        set_tag(&ledger, &id, "mlflow.runName", name);
        if name != "d" {
            let rmse = if name == "c" { f64::NAN } else { start as f64 };
            log_metric(&ledger, &id, metric("rmse", rmse, 1, 1));
            log_metric(&ledger, &id, metric("val/a b", start as f64, 1, 1));
            log_param(&ledger, &id, "model.kind", &format!("Forest_{name}")).unwrap();
            set_tag(
                &ledger,
                &id,
                "skip",
                if name == "a" { "true" } else { "false" },
            );
            let dataset = Dataset {
                name: "houses".to_owned(),
                digest: name.to_owned(),
                ..Dataset::default()
            };
            let tags = vec![Pair::new(
                "mlflow.data.context",
                if name == "a" { "train" } else { "eval" },
            )];
            let input = DatasetInput { dataset, tags };
            ledger
                .write(move |c| c.log_inputs(&id, &[input], &[]))
                .unwrap();
        }
    }
    (root, ledger)
}

fn runs(ledger: &Ledger, filter: &str, order: &[&str]) -> String {
    let query = RunQuery {
        experiments: vec![0],
        filter: filter.to_owned(),
        order: order.iter().map(|&order| order.to_owned()).collect(),
        limit: 100,
        ..RunQuery::default()
    };
    match ledger.read(|r| r.search_runs(&query)) {
        Ok(page) => page
            .items
            .iter()
            .map(|run| run.info.name.as_str())
            .collect(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn filters_find_what_mlflow_would() {
    let (_root, ledger) = filled();
    for (filter, expect) in [
        ("", "dcba"),
        ("metrics.rmse < 15", "a"),
        ("metrics.rmse != 10", "cb"),
        ("metrics.rmse >= 0 and metrics.rmse <= 1e2", "ba"),
        ("metric.`val/a b` > 15", "cb"),
        ("metrics.\"val/a b\" = 10.0", "a"),
        ("params.model.kind = 'Forest_a'", "a"),
        ("params.`model.kind` LIKE 'Forest%'", "cba"),
        ("params.model.kind LIKE 'forest%'", ""),
        ("params.model.kind ilike 'forest_%'", "cba"),
        ("params.model.kind != 'Forest_a'", "cb"),
        ("params.model.kind IS NULL", "d"),
        ("params.model.kind is not null", "cba"),
        ("tags.skip = 'true'", "a"),
        ("tag.skip != 'true'", "dcb"),
        ("tags.skip IS NULL", "d"),
        ("tags.mlflow.runName = \"b\"", "b"),
        ("run_name = 'c'", "c"),
        ("attributes.`Run name` LIKE 'c'", "c"),
        ("attributes.status = 'RUNNING' AND start_time > 20", "dc"),
        ("created <= 10", "a"),
        ("attributes.run_id IN ('x', 'y')", ""),
        ("run_id NOT IN ('x')", "dcba"),
        ("datasets.name = 'houses'", "cba"),
        ("dataset.digest IN ('a', 'b')", "ba"),
        ("datasets.context = 'eval'", "cb"),
        ("params.model.kind = 'it''s'", ""),
    ] {
        assert_eq!(runs(&ledger, filter, &[]), expect, "{filter}");
    }
}

#[test]
fn what_is_not_there_and_nan_come_last() {
    let (_root, ledger) = filled();
    for (order, expect) in [
        ("metrics.rmse", "abcd"),
        ("metrics.rmse ASC", "abcd"),
        ("metrics.rmse desc", "bacd"),
        ("params.`model.kind` DESC", "cbad"),
        ("tags.skip", "cbad"),
        ("start_time ASC", "abcd"),
        ("attributes.start_time DESC", "dcba"),
        ("end_time", "dcba"),
        ("run_name", "abcd"),
    ] {
        assert_eq!(runs(&ledger, "", &[order]), expect, "{order}");
    }
    assert_eq!(runs(&ledger, "", &["tags.skip", "start_time ASC"]), "bcad");
}

#[test]
fn wrong_words_are_refused() {
    let (_root, ledger) = filled();
    for (filter, expect) in [
        (
            "metrics.rmse < 'a'",
            "Expected numeric value type for metric: rmse. Found 'a'",
        ),
        (
            "params.x = 1",
            "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1",
        ),
        (
            "params.x > 'a'",
            "Invalid comparator '>' not one of '[\"=\", \"!=\", \"LIKE\", \"ILIKE\"]'",
        ),
        (
            "nonsense.x = 'a'",
            "Invalid entity type 'nonsense'. Valid values are [\"attribute\", \"metric\", \"parameter\", \"tag\", \"dataset\"]",
        ),
        (
            "color = 'a'",
            "Invalid attribute key 'color' specified. Valid keys are '[\"run_id\", \"run_name\", \"user_id\", \"status\", \"artifact_uri\", \"start_time\", \"end_time\"]'",
        ),
        (
            "tags.a = 'b' OR tags.c = 'd'",
            "Invalid clause(s) in filter string: 'OR tags.c = 'd''",
        ),
        (
            "tags.a == 'b'",
            "Invalid clause(s) in filter string: 'tags.a == 'b''",
        ),
        (
            "tags.a = 'b",
            "Invalid clause(s) in filter string: 'b has no closing '",
        ),
        (
            "metrics.a IS NULL",
            "IS NULL / IS NOT NULL is only supported for tags and params, not for 'metric' 'a'",
        ),
        (
            "run_id IN ()",
            "While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list.",
        ),
        (
            "status IN ('a')",
            "'status' does not support comparison with a list of quoted string values.",
        ),
        ("tags.a =", "Invalid comparison clause: a = has no value"),
        (
            "; drop table runs",
            "Invalid clause(s) in filter string: '; drop table runs'",
        ),
    ] {
        assert_eq!(runs(&ledger, filter, &[]), expect, "{filter}");
    }
    for order in ["", "metrics.a sideways", "metrics.a b c", "1", "color"] {
        assert!(
            runs(&ledger, "", &[order]).starts_with("Invalid"),
            "{order}"
        );
    }
    assert_eq!(
        runs(&ledger, "", &["tags.a", "tags.a DESC"]),
        "`order_by` contains duplicate fields"
    );
}

#[test]
fn pages_follow_each_other() {
    let (_root, ledger) = filled();
    let mut query = RunQuery {
        experiments: vec![0],
        limit: 3,
        ..RunQuery::default()
    };
    let first = ledger.read(|r| r.search_runs(&query)).unwrap();
    assert_eq!((first.items.len(), first.next), (3, Some(3)));
    query.offset = 3;
    let second = ledger.read(|r| r.search_runs(&query)).unwrap();
    assert_eq!((second.items.len(), second.next), (1, None));
    query = RunQuery {
        experiments: Vec::new(),
        limit: 3,
        ..RunQuery::default()
    };
    assert!(
        ledger
            .read(|r| r.search_runs(&query))
            .unwrap()
            .items
            .is_empty()
    );
    query = RunQuery {
        experiments: vec![0],
        limit: 3,
        view: View::Deleted,
        ..RunQuery::default()
    };
    assert!(
        ledger
            .read(|r| r.search_runs(&query))
            .unwrap()
            .items
            .is_empty()
    );
}

#[test]
fn experiments_are_found() {
    let (_root, ledger) = ledger();
    for name in ["One", "two"] {
        let new = hpipe_track::ledger::NewExperiment {
            name: name.to_owned(),
            ..Default::default()
        };
        ledger.write(move |c| c.create_experiment(&new)).unwrap();
    }
    ledger
        .write(|c| c.set_experiment_tag(2, &Pair::new("team", "x")))
        .unwrap();
    let found = |filter: &str, order: &[&str]| {
        let query = ExperimentQuery {
            filter: filter.to_owned(),
            order: order.iter().map(|&order| order.to_owned()).collect(),
            limit: 10,
            ..ExperimentQuery::default()
        };
        let page = ledger.read(|r| r.search_experiments(&query)).unwrap();
        page.items
            .iter()
            .map(|e| e.id.to_string())
            .collect::<String>()
    };
    assert_eq!(found("", &[]), "210");
    assert_eq!(found("name ILIKE 'o%'", &[]), "1");
    assert_eq!(found("experiment_id IN ('0', '2')", &["name DESC"]), "20");
    assert_eq!(found("tags.team = 'x' AND creation_time > 5", &[]), "2");
    assert_eq!(found("tag.team != 'x'", &[]), "10");
    assert_eq!(found("tags.team IS NULL", &["experiment_id"]), "01");
}

#[test]
fn registered_models_and_versions_are_found_without_prompts() {
    let (_root, ledger) = ledger();
    for (name, prompt) in [("flat", false), ("house", false), ("poem", true)] {
        let tags: Vec<_> = prompt
            .then(|| Pair::new("mlflow.prompt.is_prompt", "true"))
            .into_iter()
            .collect();
        ledger
            .write(move |c| c.create_registered_model(name, None, &tags))
            .unwrap();
        let new = NewModelVersion {
            name: name.to_owned(),
            source: "s".to_owned(),
            run_id: Some(format!("run-{name}")),
            ..Default::default()
        };
        ledger.write(move |c| c.create_model_version(&new)).unwrap();
    }
    let models = |filter: &str, order: &[&str]| {
        let query = RegistryQuery {
            filter: filter.to_owned(),
            order: order.iter().map(|&o| o.to_owned()).collect(),
            limit: 10,
            offset: 0,
        };
        match ledger.read(|r| r.search_registered_models(&query)) {
            Ok(page) => page
                .items
                .iter()
                .map(|m| m.name.as_str())
                .collect::<Vec<_>>()
                .join(" "),
            Err(error) => error.to_string(),
        }
    };
    assert_eq!(models("", &[]), "flat house");
    assert_eq!(models("", &["name DESC"]), "house flat");
    assert_eq!(
        models("tags.`mlflow.prompt.is_prompt` != 'true'", &[]),
        "flat house"
    );
    assert_eq!(
        models("tags.`mlflow.prompt.is_prompt` = 'true'", &[]),
        "poem"
    );
    assert_eq!(
        models("name IN ('house')", &["last_updated_timestamp DESC"]),
        "house"
    );
    let versions = |filter: &str| {
        let query = RegistryQuery {
            filter: filter.to_owned(),
            limit: 10,
            ..RegistryQuery::default()
        };
        let page = ledger.read(|r| r.search_model_versions(&query)).unwrap();
        page.items
            .iter()
            .map(|v| v.name.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(versions(""), "house flat");
    assert_eq!(
        versions("run_id IN ('run-flat', 'x') and version_number = 1"),
        "flat"
    );
    assert_eq!(
        versions("name = 'house' and source_path LIKE 's%'"),
        "house"
    );
}

#[test]
fn logged_models_are_sorted_by_what_was_measured_on_them() {
    let (_root, ledger) = ledger();
    let id = run(&ledger, 1);
    for (name, rmse) in [("a", Some(2.0)), ("b", Some(1.0)), ("c", None)] {
        let new = NewLoggedModel {
            name: Some(name.to_owned()),
            params: vec![Pair::new("p", name)],
            ..Default::default()
        };
        let model = ledger.write(move |c| c.create_logged_model(&new)).unwrap();
        if let Some(rmse) = rmse {
            let mut measured = metric("rmse", rmse, 1, 0);
            measured.model_id = Some(model.id);
            measured.dataset_name = Some("eval".to_owned());
            log_metric(&ledger, &id, measured);
        }
    }
    let found = |query: LoggedModelQuery| {
        let query = LoggedModelQuery {
            experiments: vec![0],
            limit: 10,
            ..query
        };
        let page = ledger.read(|r| r.search_logged_models(&query));
        page.map(|page| {
            page.items
                .iter()
                .map(|m| m.name.as_str())
                .collect::<String>()
        })
    };
    let by = |field: &str, ascending| LoggedModelQuery {
        order: vec![ModelOrder {
            field: field.to_owned(),
            ascending,
            dataset: None,
        }],
        ..LoggedModelQuery::default()
    };
    let filter = |filter: &str| LoggedModelQuery {
        filter: filter.to_owned(),
        ..LoggedModelQuery::default()
    };
    assert_eq!(found(LoggedModelQuery::default()).unwrap(), "cba");
    assert_eq!(found(by("metrics.rmse", true)).unwrap(), "bac");
    assert_eq!(found(by("metrics.rmse", false)).unwrap(), "abc");
    assert_eq!(found(by("name", true)).unwrap(), "abc");
    assert_eq!(
        found(filter("metrics.rmse < 1.5 AND params.p = 'b'")).unwrap(),
        "b"
    );
    assert_eq!(
        found(filter("creation_timestamp > 0 AND name != 'a'")).unwrap(),
        "cb"
    );
    let eval = hpipe_track::ledger::DatasetFilter {
        name: "eval".to_owned(),
        digest: None,
    };
    assert_eq!(
        found(LoggedModelQuery {
            datasets: vec![eval],
            ..LoggedModelQuery::default()
        })
        .unwrap(),
        "ba"
    );
    assert_eq!(
        said(found(by("params.p", true))),
        "Invalid order by field name: params.p. Only metrics are supported."
    );
}
