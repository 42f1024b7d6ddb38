//! Registered models, versions, aliases, stages, history; logged models.

use hpipe_track::ledger::{
    Ledger, NewLoggedModel, NewModelVersion, Pair, Refusal, Stage, Transition,
};

use crate::support::{ledger, log_metric, metric, run, said};

fn register(ledger: &Ledger, name: &'static str) -> i64 {
    let _ = ledger.write(move |c| c.create_registered_model(name, None, &[]));
    let new = NewModelVersion {
        name: name.to_owned(),
        source: "mlflow-artifacts:/0/r/artifacts/model".to_owned(),
        ..NewModelVersion::default()
    };
    let made = ledger.write(move |c| c.create_model_version(&new));
    made.unwrap().version
}

fn move_to(ledger: &Ledger, version: i64, stage: Stage, archives_existing: bool) {
    let transition = Transition {
        archives_existing,
        user: Some("ann".to_owned()),
        reason: Some("better".to_owned()),
        ..Transition::new("house", version, stage)
    };
    ledger.write(move |c| c.transition(&transition)).unwrap();
}

fn stages(ledger: &Ledger) -> Vec<(i64, String)> {
    let latest = ledger.read(|r| r.registered_model("house")).unwrap().latest;
    latest.into_iter().map(|v| (v.version, v.stage)).collect()
}

#[test]
fn a_version_that_comes_may_archive_the_others() {
    let (_root, ledger) = ledger();
    assert_eq!(
        (register(&ledger, "house"), register(&ledger, "house")),
        (1, 2)
    );
    move_to(&ledger, 1, Stage::Development, false);
    move_to(&ledger, 1, Stage::Production, false);
    move_to(&ledger, 2, Stage::Production, true);
    let text = |s: &str| s.to_owned();
    assert_eq!(
        stages(&ledger),
        [(1, text("Archived")), (2, text("Production"))]
    );
    let history = ledger.read(|r| r.model_history("house")).unwrap();
    let told: Vec<_> = history
        .iter()
        .map(|e| {
            format!(
                "{} {} {:?} {:?}",
                e.version,
                e.event,
                e.from_stage.as_deref(),
                e.to_stage.as_deref()
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            r#"1 created None Some("None")"#,
            r#"2 created None Some("None")"#,
            r#"1 moved Some("None") Some("Development")"#,
            r#"1 moved Some("Development") Some("Production")"#,
            r#"1 moved Some("Production") Some("Archived")"#,
            r#"2 moved Some("None") Some("Production")"#,
        ]
    );
    assert!(
        history[2..]
            .iter()
            .all(|e| e.user.as_deref() == Some("ann"))
    );
    let wrong = Transition {
        archives_existing: true,
        ..Transition::new("house", 1, Stage::Archived)
    };
    let refused = ledger.write(move |c| c.transition(&wrong));
    assert_eq!(refused.unwrap_err().refusal(), Some(Refusal::Invalid));
}

#[test]
fn numbers_of_deleted_versions_are_not_given_again_and_history_stays() {
    let (_root, ledger) = ledger();
    register(&ledger, "house");
    register(&ledger, "house");
    ledger.write(|c| c.set_alias("house", "best", 2)).unwrap();
    ledger
        .write(|c| c.delete_model_version("house", 2))
        .unwrap();
    assert_eq!(register(&ledger, "house"), 3);
    let gone = ledger.read(|r| r.model_version("house", 2));
    assert_eq!(
        said(gone),
        "Model Version (name=house, version=2) not found"
    );
    assert_eq!(
        said(ledger.read(|r| r.version_by_alias("house", "best"))),
        "Registered model alias best not found."
    );
    ledger
        .write(|c| c.rename_registered_model("house", "flat").map(drop))
        .unwrap();
    ledger.write(|c| c.delete_registered_model("flat")).unwrap();
    let history = ledger.read(|r| r.model_history("flat")).unwrap();
    assert_eq!(history.len(), 6, "{history:?}");
}

#[test]
fn the_history_cannot_be_rewritten() {
    let (root, ledger) = ledger();
    register(&ledger, "house");
    drop(ledger);
    let raw = rusqlite::Connection::open(root.path().join("models/track.db")).unwrap();
    for sql in [
        "DELETE FROM model_history",
        "UPDATE model_history SET user = 'eve'",
    ] {
        let refused = raw.execute(sql, []).unwrap_err().to_string();
        assert_eq!(refused, "the history of models is append-only");
    }
}

#[test]
fn aliases_move() {
    let (_root, ledger) = ledger();
    register(&ledger, "house");
    register(&ledger, "house");
    for version in [1, 2] {
        ledger
            .write(move |c| c.set_alias("house", "best", version))
            .unwrap();
        let found = ledger
            .read(|r| r.version_by_alias("house", "best"))
            .unwrap();
        assert_eq!(
            (found.version, found.aliases),
            (version, vec!["best".to_owned()])
        );
    }
    assert!(ledger.write(|c| c.set_alias("house", "best", 7)).is_err());
    ledger.write(|c| c.delete_alias("house", "best")).unwrap();
    assert!(
        ledger
            .read(|r| r.registered_model("house"))
            .unwrap()
            .aliases
            .is_empty()
    );
}

#[test]
fn a_source_may_name_another_model() {
    let (_root, ledger) = ledger();
    register(&ledger, "house");
    let new = NewLoggedModel {
        name: Some("forest".to_owned()),
        source_run: Some("r".to_owned()),
        ..NewLoggedModel::default()
    };
    let logged = ledger.write(move |c| c.create_logged_model(&new)).unwrap();
    for (source, location) in [
        (
            "models:/house/1".to_owned(),
            "mlflow-artifacts:/0/r/artifacts/model".to_owned(),
        ),
        (
            format!("models:/{}", logged.id),
            logged.artifact_location.clone(),
        ),
    ] {
        let new = NewModelVersion {
            name: "house".to_owned(),
            source,
            ..NewModelVersion::default()
        };
        let made = ledger.write(move |c| c.create_model_version(&new)).unwrap();
        assert_eq!(made.storage_location, location);
    }
    let lost = NewModelVersion {
        name: "house".to_owned(),
        source: "models:/nope/1".to_owned(),
        ..NewModelVersion::default()
    };
    assert!(
        said(ledger.write(move |c| c.create_model_version(&lost)))
            .starts_with("Unable to fetch model from model URI")
    );
}

#[test]
fn a_logged_model_collects_what_is_measured_on_it() {
    let (_root, ledger) = ledger();
    let id = run(&ledger, 1);
    let new = NewLoggedModel {
        params: vec![Pair::new("depth", "3")],
        ..NewLoggedModel::default()
    };
    let model = ledger.write(move |c| c.create_logged_model(&new)).unwrap();
    assert_eq!(model.status, "LOGGED_MODEL_PENDING");
    assert_eq!(
        model.artifact_location,
        format!("mlflow-artifacts:/0/models/{}/artifacts", model.id)
    );
    let mut measured = metric("rmse", 0.5, 1, 0);
    measured.model_id = Some(model.id.clone());
    measured.dataset_name = Some("houses".to_owned());
    log_metric(&ledger, &id, measured);
    let done = model.id.clone();
    let ready = ledger
        .write(move |c| c.finalize_logged_model(&done, "LOGGED_MODEL_READY"))
        .unwrap();
    assert_eq!(ready.metrics[0].dataset_name.as_deref(), Some("houses"));
    assert_eq!(ready.metrics[0].run_id.as_deref(), Some(id.as_str()));
    let gone = model.id.clone();
    ledger.write(move |c| c.delete_logged_model(&gone)).unwrap();
    assert_eq!(
        said(ledger.read(|r| r.logged_model(&model.id))),
        format!("Logged model with ID '{}' not found.", model.id)
    );
}
