//! Experiments, runs, metrics, params, tags, artifacts.

use hpipe_track::ledger::{
    ArtifactEntry, Batch, Dataset, DatasetInput, Lifecycle, NewExperiment, NewRun, Pair, Refusal,
    RunUpdate,
};

use crate::support::{get, ledger, log_metric, log_param, metric, run, said, set_tag};

#[test]
fn the_default_experiment_is_there_and_has_number_0() {
    let (_root, ledger) = ledger();
    let found = ledger.read(|records| records.experiment(0)).unwrap();
    assert_eq!(found.name, "Default");
    assert_eq!(found.artifact_location, "mlflow-artifacts:/0");
    assert_eq!(found.lifecycle, Lifecycle::Active);
}

#[test]
fn names_of_experiments_are_given_once() {
    let (_root, ledger) = ledger();
    let new = || NewExperiment {
        name: "houses".to_owned(),
        tags: vec![Pair::new("team", "a")],
        ..NewExperiment::default()
    };
    let id = ledger.write(move |c| c.create_experiment(&new())).unwrap();
    assert_eq!(id, 1);
    let again = ledger.write(move |c| c.create_experiment(&new()));
    assert_eq!(again.as_ref().unwrap_err().refusal(), Some(Refusal::Exists));
    assert_eq!(said(again), "Experiment(name=houses) already exists.");
    ledger.write(move |c| c.delete_experiment(id)).unwrap();
    let twice = ledger.write(move |c| c.delete_experiment(id));
    assert_eq!(said(twice), "No Experiment with id=1 exists");
    let renamed = ledger.write(move |c| c.rename_experiment(id, "flats"));
    assert_eq!(renamed.unwrap_err().refusal(), Some(Refusal::State));
    ledger.write(move |c| c.restore_experiment(id)).unwrap();
    ledger
        .write(move |c| c.rename_experiment(id, "flats"))
        .unwrap();
    let found = ledger.read(|r| r.experiment_by_name("flats")).unwrap();
    assert_eq!(found.unwrap().tags, [Pair::new("team", "a")]);
}

#[test]
fn a_name_is_mirrored_in_its_tag() {
    let (_root, ledger) = ledger();
    let id = run(&ledger, 1);
    let name = get(&ledger, &id).info.name;
    assert!(!name.is_empty());
    let tag = |run: &str| get(&ledger, run).data.tags[0].value.clone();
    assert_eq!(tag(&id), name);
    set_tag(&ledger, &id, "mlflow.runName", "best");
    assert_eq!(get(&ledger, &id).info.name, "best");
    let update = RunUpdate {
        name: Some("worst".to_owned()),
        status: Some("FINISHED".to_owned()),
        end_time: Some(9),
    };
    let renamed = id.clone();
    let info = ledger.write(move |c| c.update_run(&renamed, &update));
    let info = info.unwrap();
    assert_eq!((info.name.as_str(), info.end_time), ("worst", Some(9)));
    assert_eq!(tag(&id), "worst");
    let both = NewRun {
        name: Some("a".to_owned()),
        tags: vec![Pair::new("mlflow.runName", "b")],
        ..NewRun::default()
    };
    assert!(said(ledger.write(|c| c.create_run(both))).starts_with("Both 'run_name' argument"));
}

#[test]
fn the_last_metric_is_the_greatest_by_step_then_time_then_value() {
    let (_root, ledger) = ledger();
    let id = run(&ledger, 1);
    let logged = [
        (3.0, 10, 5),
        (9.0, 99, 4), // later, but of an earlier step
        (4.0, 10, 5), // greater at the same time
        (1.0, 11, 5),
        (1.0, 11, 5), // equal rows are one
        (f64::NAN, 1, 0),
        (f64::NEG_INFINITY, 2, 0),
    ];
    for (value, timestamp, step) in logged {
        log_metric(&ledger, &id, metric("loss", value, timestamp, step));
    }
    assert_eq!(get(&ledger, &id).data.metrics, [metric("loss", 1.0, 11, 5)]);
    let history = ledger
        .read(|r| r.metric_history(&id, "loss", None, 0))
        .unwrap();
    let values: Vec<_> = history.items.iter().map(|m| m.value).collect();
    assert!(values[0].is_nan());
    assert_eq!(values[1..], [f64::NEG_INFINITY, 3.0, 4.0, 1.0, 9.0]);
    let page = ledger
        .read(|r| r.metric_history(&id, "loss", Some(2), 2))
        .unwrap();
    assert_eq!((page.items.len(), page.next), (2, Some(4)));
}

#[test]
fn params_are_written_once_and_a_refused_batch_changes_nothing() {
    let (_root, ledger) = ledger();
    let id = run(&ledger, 1);
    log_param(&ledger, &id, "lr", "0.1").unwrap();
    log_param(&ledger, &id, "lr", "0.1").unwrap();
    assert_eq!(
        said(log_param(&ledger, &id, "lr", "0.2")),
        format!(
            "Changing param values is not allowed. Param with key='lr' was already logged with value='0.1' for run \
             ID='{id}'. Attempted logging new value '0.2'."
        )
    );
    let batch = Batch {
        metrics: vec![metric("loss", 1.0, 1, 1)],
        params: vec![Pair::new("depth", "3"), Pair::new("lr", "0.3")],
        tags: vec![Pair::new("x", "y")],
    };
    let target = id.clone();
    let refused = ledger.write(move |c| c.log_batch(&target, &batch));
    assert!(
        said(refused)
            .starts_with("Changing param values is not allowed. Params were already logged=")
    );
    let data = get(&ledger, &id).data;
    assert_eq!(data.params, [Pair::new("lr", "0.1")]);
    assert!(data.metrics.is_empty());
}

#[test]
fn limits_are_those_of_mlflow() {
    let (_root, ledger) = ledger();
    let id = run(&ledger, 1);
    let batch = |metrics: usize, params: usize| Batch {
        metrics: (0..metrics)
            .map(|i| metric("m", 0.0, i as i64, 0))
            .collect(),
        params: (0..params)
            .map(|i| Pair::new(format!("p{i}"), ""))
            .collect(),
        tags: Vec::new(),
    };
    for (metrics, params, fits) in [
        (1000, 0, true),
        (1001, 0, false),
        (900, 100, true),
        (950, 51, false),
        (0, 101, false),
    ] {
        let (target, batch) = (id.clone(), batch(metrics, params));
        let done = ledger.write(move |c| c.log_batch(&target, &batch));
        assert_eq!(done.is_ok(), fits, "{metrics} {params}");
    }
    assert_eq!(
        said(log_param(&ledger, &id, "long", &"x".repeat(6001))),
        "'Param value' exceeds the maximum length of 6000 characters"
    );
}

#[test]
fn deleted_runs_are_not_changed_until_they_are_restored() {
    let (_root, ledger) = ledger();
    let id = run(&ledger, 1);
    let target = id.clone();
    ledger.write(move |c| c.delete_run(&target)).unwrap();
    assert_eq!(
        said(log_param(&ledger, &id, "a", "b")),
        format!("The run {id} must be in the 'active' state. Current state is deleted.")
    );
    let target = id.clone();
    ledger.write(move |c| c.restore_run(&target)).unwrap();
    log_param(&ledger, &id, "a", "b").unwrap();
    let target = id.clone();
    let purged = ledger.write(move |c| c.purge_run(&target));
    assert_eq!(purged.unwrap_err().refusal(), Some(Refusal::State));
    let missing = ledger.read(|r| r.run("nope"));
    assert_eq!(said(missing), "Run with id=nope not found");
}

#[test]
fn equal_data_is_one_dataset() {
    let (_root, ledger) = ledger();
    let (first, second) = (run(&ledger, 1), run(&ledger, 2));
    let input = DatasetInput {
        dataset: Dataset {
            name: "houses".to_owned(),
            digest: "abc".to_owned(),
            source_type: "local".to_owned(),
            source: "{}".to_owned(),
            ..Dataset::default()
        },
        tags: vec![Pair::new("mlflow.data.context", "train")],
    };
    for id in [&first, &second, &second] {
        let (id, inputs) = (id.clone(), vec![input.clone(), input.clone()]);
        ledger
            .write(move |c| c.log_inputs(&id, &inputs, &[]))
            .unwrap();
    }
    assert_eq!(get(&ledger, &second).inputs.datasets, [input]);
    let all = ledger.read(|r| r.datasets(&[0])).unwrap();
    assert_eq!(all.len(), 1);
}

#[test]
fn artifacts_are_listed_by_name_and_paths_stay_inside() {
    let (_root, ledger) = ledger();
    for path in [
        "0/r/artifacts/b.txt",
        "0/r/artifacts/a/z",
        "0/r/artifacts/a/y",
        "0/r/artifacts/a-b",
    ] {
        ledger.put_artifact(path, path.as_bytes()).unwrap();
    }
    let entry = |name: &str, size| ArtifactEntry {
        name: name.to_owned(),
        size,
    };
    let listed = ledger.read(|r| r.list_artifacts("0/r/artifacts")).unwrap();
    assert_eq!(
        listed,
        [
            entry("a", None),
            entry("a-b", Some(17)),
            entry("b.txt", Some(19))
        ]
    );
    assert_eq!(
        ledger.read(|r| r.list_artifacts("")).unwrap(),
        [entry("0", None)]
    );
    assert_eq!(
        ledger
            .read(|r| r.list_artifacts("0/r/artifacts/b.txt"))
            .unwrap(),
        []
    );
    for bad in ["", "/a", "../a", "a/../b", "a//b", "a/.", "a\\b", "a\0"] {
        assert!(ledger.put_artifact(bad, b"").is_err(), "{bad}");
    }
    assert!(ledger.put_artifact("0/r/artifacts/a", b"").is_err());
    assert!(ledger.put_artifact("0/r/artifacts/b.txt/c", b"").is_err());
    assert_eq!(ledger.remove_artifacts("0/r/artifacts/a").unwrap(), 2);
    let (mut file, size) = ledger.open_artifact("0/r/artifacts/b.txt").unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut file, &mut text).unwrap();
    assert_eq!((text.as_str(), size), ("0/r/artifacts/b.txt", 19));
}

#[test]
fn many_threads_lose_nothing() {
    let (_root, ledger) = ledger();
    let id = run(&ledger, 1);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (ledger, id) = (&ledger, &id);
            scope.spawn(move || {
                for step in 0..25 {
                    log_metric(ledger, id, metric(&format!("m{thread}"), 1.0, 1, step));
                }
            });
        }
    });
    for thread in 0..8 {
        let key = format!("m{thread}");
        let history = ledger
            .read(|r| r.metric_history(&id, &key, None, 0))
            .unwrap();
        assert_eq!(history.items.len(), 25);
    }
}
