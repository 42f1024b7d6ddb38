//! What a search reaches on a plain split: `benches/tuned.yaml` on its first split, with fewer trials.
#![cfg(feature = "ml")]

mod support;

use std::path::Path;

use support::{Project, copy_folder};

#[test]
fn a_search_reaches_what_tuned_boosters_are_known_for() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pipeline = repository.join("benches/tuned.yaml");
    let pipeline = std::fs::read_to_string(pipeline).expect("the bench's pipeline");
    assert!(pipeline.contains("trials: 50"));
    let project = Project::new();
    project.write(
        "pipeline.yaml",
        &pipeline.replace("trials: 50", "trials: 12"),
    );
    std::fs::create_dir_all(project.path("data/raw")).expect("a folder");
    copy_folder(&repository.join("data/raw"), &project.path("data/raw"));
    let executed = "evaluate@42 features@42 ingest split@42 tune@42 tuned@42 usual@42";
    let trace = project.repro(["evaluate@42"]);
    assert_eq!(trace.done().executed(), executed);
    let metrics = project.read("metrics/42.json");
    let metrics: serde_json::Value = serde_json::from_str(&metrics).expect("JSON");
    for (model, most) in [("usual", 0.450), ("tuned", 0.444)] {
        let rmse = &metrics["models"][model]["scores"]["test"]["rmse"];
        assert!(
            rmse.as_f64().is_some_and(|rmse| rmse <= most),
            "{model}: {rmse}"
        );
    }
}
