//! Explanation and selection through the `Stage` port: a booster, a linear model, and their stack.

mod harness;

use std::collections::BTreeMap;

use harness::{Project, rewrite};
use serde_json::Value as Json;

/// A feature whose name is markup: pages and pictures must show it, not run it.
const HOSTILE: &str = r#"<script>alert("1")</script>&"#;

const MODELS: [&str; 3] = ["linear", "xgboost", "stack"];

const PLOTS: [&str; 8] = [
    "comparison",
    "predicted_against_actual",
    "residuals_against_predicted",
    "residual_histogram",
    "residual_quantiles",
    "residuals_by_target",
    "residuals_by_region",
    "rmse_by_region",
];

/// A target that rises steeply with `a`, bends with `b`, and a little with the hostile one; `noise` is for nothing.
fn table(rows: usize) -> String {
    let mut lines = vec![format!("a,b,\"{}\",noise,y", HOSTILE.replace('"', "\"\""))];
    let mut state = 7_u64;
    let mut uniform = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    for _ in 0..rows {
        let [a, b, c, noise] = std::array::from_fn(|_| 4.0 * uniform());
        let y = 5.0 * a + (b - 2.0) * (b - 2.0) + 0.3 * c + 0.1 * uniform();
        lines.push(format!("{a},{b},{c},{noise},{y}"));
    }
    lines.join("\n") + "\n"
}

/// A project with parts, features and the three models.
fn project() -> Project {
    let project = Project::default();
    project.write("raw.csv", table(400));
    project.execute(
        "ingest",
        r#"{"target": "y"}"#,
        &[("table", "raw.csv")],
        &[("table", "table.parquet")],
    );
    let parts = [
        ("train", "split/train.parquet"),
        ("validation", "split/validation.parquet"),
        ("test", "split/test.parquet"),
    ];
    let with = r#"{"fractions": {"train": 0.6, "validation": 0.2, "test": 0.2}, "seed": 1}"#;
    project.execute("split", with, &[("table", "table.parquet")], &parts);
    let features = [
        ("train", "train.parquet"),
        ("validation", "validation.parquet"),
        ("test", "test.parquet"),
    ];
    let with = serde_json::json!({"target": "y", "numeric": ["a", "b", HOSTILE, "noise"]});
    let outs = [&features[..], &[("transform", "transform.json")]].concat();
    project.execute("features", &with.to_string(), &parts, &outs);
    train(&project, "linear", "{}");
    train(
        &project,
        "xgboost",
        r#"{"n_estimators": 60, "max_depth": 3, "learning_rate": 0.2}"#,
    );
    let members = [
        ("validation", "validation.parquet"),
        ("models", "models/linear.safetensors"),
        ("models", "models/xgboost.safetensors"),
    ];
    let outs = [("model", "models/stack.safetensors")];
    project.execute("stack", r#"{"target": "y"}"#, &members, &outs);
    project
}

fn train(project: &Project, model: &str, hyperparameters: &str) {
    let with =
        format!(r#"{{"model": "{model}", "target": "y", "hyperparameters": {hyperparameters}}}"#);
    let deps = [
        ("train", "train.parquet"),
        ("validation", "validation.parquet"),
    ];
    let path = format!("models/{model}.safetensors");
    project.execute("train", &with, &deps, &[("model", &path)]);
}

const EXPLAIN: &str = r#"{"target": "y", "unit": "k$", "rows": 50, "repeats": 3, "seed": 5}"#;

/// Explains a model into a folder; `outs` are roles and what follows the model's name in the file's.
fn explain_with(project: &Project, model: &str, folder: &str, outs: &[(&str, &str)]) {
    let path = |end: &str| format!("{folder}/{model}{end}");
    let outs: Vec<(&str, String)> = outs.iter().map(|(role, end)| (*role, path(end))).collect();
    let outs: Vec<(&str, &str)> = outs.iter().map(|(role, path)| (*role, &**path)).collect();
    let deps = [
        ("model", &*format!("models/{model}.safetensors")),
        ("train", "train.parquet"),
        ("test", "test.parquet"),
    ];
    project.execute("explain", EXPLAIN, &deps, &outs);
}

/// The figures alone.
fn explain(project: &Project, model: &str, folder: &str) {
    explain_with(
        project,
        model,
        folder,
        &[("explanation", ".json"), ("shap", ".csv")],
    );
}

/// Figures and charts.
fn explain_and_draw(project: &Project, model: &str, folder: &str) {
    let outs = [
        ("explanation", ".json"),
        ("shap", ".csv"),
        ("plots", "_plots"),
        ("report", ".html"),
    ];
    explain_with(project, model, folder, &outs);
}

const EVALUATE: &str = r#"{"target": "y", "unit": "k$", "thresholds": {"test": {"rmse": {"max": 5}}},
    "regions": {"columns": ["a", "b"], "cell": 1}}"#;

const ALL_OUTS: [&str; 5] = [
    "metrics.json",
    "selection.json",
    "best.safetensors",
    "html.html",
    "plots",
];

/// Evaluates the three models into a folder; outs are called as their roles.
fn evaluate(project: &Project, folder: &str, outs: &[&str]) {
    let models = MODELS.map(|model| format!("models/{model}.safetensors"));
    let explanations = MODELS.map(|model| format!("explained/{model}.json"));
    let mut deps = vec![
        ("train", "train.parquet"),
        ("validation", "validation.parquet"),
        ("test", "test.parquet"),
        ("regions", "split/test.parquet"),
    ];
    deps.extend(models.iter().map(|path| ("models", path.as_str())));
    deps.extend(
        explanations
            .iter()
            .map(|path| ("explanations", path.as_str())),
    );
    let role = |name: &str| name.split('.').next().expect("a role").to_owned();
    let outs: Vec<(String, String)> = outs
        .iter()
        .map(|name| (role(name), format!("{folder}/{name}")))
        .collect();
    let outs: Vec<(&str, &str)> = outs.iter().map(|(role, path)| (&**role, &**path)).collect();
    project.execute("evaluate", EVALUATE, &deps, &outs);
}

fn text(project: &Project, path: &str) -> String {
    String::from_utf8(project.read(path)).expect("text")
}

/// Every file below a folder, by its path there.
fn files(project: &Project, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(project.path(&folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                folders.push(path);
            } else {
                let bytes = project.read(&path);
                files.insert(path, bytes);
            }
        }
    }
    files
}

fn number(value: &Json) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

/// A figure of each feature of an explanation.
fn by_feature(explanation: &Json, figure: impl Fn(&Json) -> f64) -> BTreeMap<String, f64> {
    let features = explanation["content"]["features"]
        .as_array()
        .expect("features");
    let named = |feature: &Json| {
        let name = feature["name"].as_str().expect("a name");
        (name.to_owned(), figure(feature))
    };
    features.iter().map(named).collect()
}

#[test]
fn importance_and_shap_say_what_the_target_is_made_of() {
    let project = project();
    for model in MODELS {
        explain(&project, model, "explained");
        let explanation = project.json(&format!("explained/{model}.json"));
        let permutation = by_feature(&explanation, |f| number(&f["permutation"]["mean"]));
        assert!(permutation["a"] > 2.0, "{model}: {permutation:?}");
        assert!(
            permutation["a"] > permutation["b"],
            "{model}: {permutation:?}"
        );
        assert!(permutation["noise"].abs() < 0.1, "{model}: {permutation:?}");
        let shap = by_feature(&explanation, |f| number(&f["mean_abs_shap"]));
        assert!(
            shap["a"] > shap["b"] && shap["a"] > 10.0 * shap["noise"],
            "{model}: {shap:?}"
        );
    }
    let content = &project.json("explained/xgboost.json")["content"];
    assert_eq!(content["model"], "models/xgboost.safetensors");
    assert_eq!(content["permutation"]["rows"], 80);
    assert_eq!(content["shap"]["background"], "train");
    assert_eq!(content["shap"]["rows"], 50);
    assert_eq!(
        content["shap"]["sample"]["values"][0]
            .as_array()
            .expect("rows")
            .len(),
        50
    );
    let gains = by_feature(&project.json("explained/xgboost.json"), |f| {
        number(&f["gain"])
    });
    assert!(
        (gains.values().sum::<f64>() - 1.0).abs() < 1e-12,
        "{gains:?}"
    );
    assert!(
        gains["a"] > gains["b"] && gains["b"] > gains["noise"],
        "{gains:?}"
    );
    for model in ["linear", "stack"] {
        let explanation = project.json(&format!("explained/{model}.json"));
        assert!(
            explanation["content"]["features"][0]["gain"].is_null(),
            "{model}"
        );
    }
}

#[test]
fn shap_values_add_up_to_predictions() {
    let project = project();
    for model in MODELS {
        explain(&project, model, "explained");
        let csv = text(&project, &format!("explained/{model}.csv"));
        let rows: Vec<Vec<f64>> = csv
            .lines()
            .skip(1)
            .map(|line| {
                line.split(',')
                    .map(|x| x.parse().expect("a number"))
                    .collect()
            })
            .collect();
        assert_eq!(rows.len(), 50);
        assert!(
            rows.windows(2).all(|pair| pair[0][0] < pair[1][0]),
            "{model}: ascending"
        );
        for row in &rows {
            let sum: f64 = row[2..].iter().sum();
            assert!((sum - row[1]).abs() < 1e-9, "{model}: {sum} for {}", row[1]);
        }
    }
}

#[test]
fn a_linear_models_shap_values_are_deviations_from_the_training_mean() {
    let project = project();
    let deps = [
        ("model", "models/linear.safetensors"),
        ("test", "test.parquet"),
    ];
    let outs = [("explanation", "without.json")];
    project.execute("explain", EXPLAIN, &deps, &outs);
    explain(&project, "linear", "with");
    let (without, with) = (
        project.json("without.json"),
        project.json("with/linear.json"),
    );
    assert_eq!(without["content"]["shap"]["background"], "test");
    // least squares go through the means: what is expected is the mean target of the training rows
    let targets = harness::numbers(&project.path("train.parquet"), "y");
    let mean = targets.iter().sum::<f64>() / targets.len() as f64;
    let expected = number(&with["content"]["shap"]["expected"]);
    assert!((expected - mean).abs() < 1e-9, "{expected} {mean}");
    assert!((number(&without["content"]["shap"]["expected"]) - mean).abs() > 1e-6);
}

#[test]
fn the_best_model_is_selected_and_it_is_said_why() {
    let project = project();
    MODELS
        .iter()
        .for_each(|model| explain(&project, model, "explained"));
    evaluate(&project, "evaluated", &ALL_OUTS[..3]);
    let metrics = project.json("evaluated/metrics.json");
    let mut rmse = MODELS.map(|model| {
        let scores = &metrics["models"][model]["scores"];
        (number(&scores["validation"]["rmse"]), model)
    });
    rmse.sort_by(|a, b| a.0.total_cmp(&b.0));
    let selection = project.json("evaluated/selection.json");
    assert_eq!(selection["model"], rmse[0].1);
    assert_eq!(selection["runner_up"]["model"], rmse[1].1);
    assert_eq!(number(&selection["value"]), rmse[0].0);
    assert_eq!(number(&selection["margin"]), rmse[1].0 - rmse[0].0);
    assert_eq!(selection["thresholds"], "kept");
    // the stack has seen the validation part; what it logged is its score out of fold
    let stack = &metrics["models"]["stack"]["scores"]["validation"]["rmse"];
    let logged = format!("stack: validation rmse {:.4}, out of fold", number(stack));
    assert!(project.logged().contains(&logged), "{logged}");
    let reason = selection["reason"].as_str().expect("a reason");
    assert!(
        project.logged().iter().any(|line| line == reason),
        "{reason}"
    );
    let best = format!("models/{}.safetensors", rmse[0].1);
    assert_eq!(
        project.read("evaluated/best.safetensors"),
        project.read(&best)
    );
    let square = &metrics["models"]["linear"]["residuals"]["by_region"][0]["square"];
    assert_eq!(number(&square["x"][1]) - number(&square["x"][0]), 1.0);
}

#[test]
fn charts_are_written_and_names_are_words() {
    let project = project();
    explain(&project, "stack", "explained");
    explain_and_draw(&project, "linear", "explained");
    explain_and_draw(&project, "xgboost", "explained");
    evaluate(&project, "evaluated", &ALL_OUTS);
    for plot in PLOTS {
        let png = project.read(&format!("evaluated/plots/{plot}.png"));
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"), "{plot}");
        assert!(
            text(&project, &format!("evaluated/plots/{plot}.svg")).contains("<svg"),
            "{plot}"
        );
    }
    for plot in [
        "learning_curve",
        "gain_importance",
        "shap_dependence_3",
        "shap_waterfall_worst",
    ] {
        let svg = text(&project, &format!("explained/xgboost_plots/{plot}.svg"));
        assert!(svg.contains("<svg"), "{plot}");
    }
    assert!(
        !project
            .path("explained/linear_plots/gain_importance.svg")
            .exists()
    );
    for page in [
        "evaluated/html.html",
        "explained/linear.html",
        "explained/xgboost_plots/shap_summary.svg",
    ] {
        let page = text(&project, page);
        assert!(!page.contains("<script>alert"), "a name is run");
        assert!(page.contains("&lt;script&gt;alert"), "a name is not shown");
    }
}

#[test]
fn equal_inputs_give_equal_bytes() {
    let project = project();
    let everything = || {
        explain(&project, "linear", "explained");
        explain(&project, "stack", "explained");
        explain_and_draw(&project, "xgboost", "explained");
        evaluate(&project, "evaluated", &ALL_OUTS);
        [files(&project, "explained"), files(&project, "evaluated")]
            .into_iter()
            .flatten()
            .collect()
    };
    let first: BTreeMap<String, Vec<u8>> = everything();
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let second = one_thread.expect("a thread").install(everything);
    assert!(first.len() > 40, "{} files", first.len());
    assert!(first.keys().eq(second.keys()), "other files");
    for (path, bytes) in &first {
        assert!(*bytes == second[path], "{path} differs");
    }
}

#[test]
fn rows_that_do_not_fit_the_model_are_told() {
    let project = project();
    let (test, path) = (project.path("test.parquet"), |name: &str| {
        project.path(name)
    });
    rewrite(&test, &path("empty.parquet"), |frame| frame.head(Some(0)));
    rewrite(&test, &path("less.parquet"), |frame| {
        frame.drop("b").expect("a column")
    });
    rewrite(&test, &path("one.parquet"), |frame| frame.head(Some(1)));
    let explain = |test: &str, with: &str| {
        let deps = [("model", "models/xgboost.safetensors"), ("test", test)];
        project.try_execute("explain", with, &deps, &[("explanation", "x.json")])
    };
    let fault = |test: &str, with: &str| {
        harness::describe(&explain(test, with).expect_err("it should fail"))
    };
    insta::assert_snapshot!(fault("empty.parquet", EXPLAIN), @"empty.parquet has no rows");
    insta::assert_snapshot!(fault("less.parquet", EXPLAIN), @r#"in less.parquet: there is no column `b` (known columns: `a`, `<script>alert("1")</script>&`, `noise`, `y`)"#);
    insta::assert_snapshot!(fault("one.parquet", r#"{"target": "y", "metric": "r2"}"#), @"r2 is undefined on one.parquet (choose another `metric`: R² needs a target that varies, MAPE one that is never 0)");
    insta::assert_snapshot!(fault("test.parquet", r#"{"target": "a"}"#), @"models/xgboost.safetensors and the option `target` do not fit together: it predicts `y`, not `a`");
    explain("one.parquet", EXPLAIN).expect("one row can be explained");
    let shap = &project.json("x.json")["content"]["shap"];
    assert_eq!(shap["rows"], 1);
}

#[test]
fn what_is_of_none_of_the_models_is_told() {
    let project = project();
    explain(&project, "stack", "explained");
    let deps = |extra: (&'static str, &'static str)| {
        [
            ("train", "train.parquet"),
            ("validation", "validation.parquet"),
            ("test", "test.parquet"),
            ("models", "models/linear.safetensors"),
            extra,
        ]
    };
    let fault = |extra| {
        project.fail(
            "evaluate",
            r#"{"target": "y"}"#,
            &deps(extra),
            &[("metrics", "m.json")],
        )
    };
    insta::assert_snapshot!(fault(("explanations", "explained/stack.json")), @"explained/stack.json and the dep `models` do not fit together: it explains models/stack.safetensors, which is not there");
    insta::assert_snapshot!(fault(("explanations", "transform.json")), @"transform.json is not an explanation: it says it is `hpipe-transform`");
    insta::assert_snapshot!(fault(("studies", "explained/stack.json")), @"explained/stack.json is not a study: it says it is `hpipe-explanation`");
}
