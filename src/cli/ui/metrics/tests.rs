//! Metrics files as the reader of `metrics show` sees them.

use hpipe_core::ProjectPath;

use super::*;

fn show_as(files: &[(&str, &str)], columns: usize, verbosity: Verbosity) -> String {
    let read = |(file, text): &(&str, &str)| {
        let value = hpipe_track::read_metrics(&ProjectPath::new(file), text);
        ((*file).to_owned(), value.expect("the file is readable"))
    };
    let files: Vec<_> = files.iter().map(read).collect();
    let text = metrics_table(&files, columns, verbosity);
    anstream::adapter::strip_str(&text).to_string()
}

fn show(files: &[(&str, &str)], columns: usize) -> String {
    show_as(files, columns, Verbosity::Normal)
}

const FILES: [(&str, &str); 2] = [
    (
        "metrics/lasso.json",
        r#"{"test": {"rmse": 0.70123456, "r2": 0.62}, "n": 4128}"#,
    ),
    (
        "metrics/ridge.json",
        r#"{"test": {"rmse": 12.5, "r2": -1e-7}, "ok": true}"#,
    ),
];

/// What `evaluate` writes of two models.
fn evaluation() -> String {
    let scores = |rows: usize, rmse: f64| {
        format!(
            r#"{{"rows": {rows}, "rmse": {rmse}, "mae": {}, "r2": {}, "mape": {}, "max_error": {}, "median_absolute_error": {}}}"#,
            rmse * 0.72,
            1.0 - rmse * rmse / 1.34,
            rmse * 0.43,
            rmse * 8.4,
            rmse * 0.54
        )
    };
    let model = |name: &str, mean: f64| {
        format!(
            r#""{name}": {{"kind": "{name}",
                "scores": {{"train": {}, "validation": {}, "test": {}}},
                "violations": [],
                "residuals": {{"mean": {mean}, "standard_deviation": 0.6329866,
                    "quantiles": {{"p01": -1.3732, "p05": -0.8324, "p50": -0.0804, "p95": 1.1659, "p99": 2.05672}},
                    "by_target": [{{"name": "0 … 1", "rows": 412, "rmse": 0.48}}]}}}}"#,
            scores(12384, 0.640_395_19),
            scores(4128, 0.649_325_2),
            scores(4128, 0.632_986_6),
        )
    };
    format!(
        r#"{{"version": 1, "target": "MedHouseVal", "best": "lasso",
            "select": {{"metric": "rmse", "part": "validation"}}, "passed": true,
            "thresholds": {{"test": {{"rmse": {{"max": 0.7}}, "r2": {{"min": 0.6}}}}}},
            "models": {{{}, {}}}}}"#,
        model("elastic_net", -9.282e-5),
        model("lasso", -0.000_172_75)
    )
}

#[test]
fn an_evaluation_is_its_scores_at_a_glance() {
    insta::assert_snapshot!(show(&[("metrics/evaluation.json", &evaluation())], 100), @"
    metrics/evaluation.json
      version                   1
      target                    MedHouseVal
      best                      lasso
      select.metric             rmse
      select.part               validation
      passed                    true
      thresholds.test.rmse.max  0.7
      thresholds.test.r2.min    0.6

                                                                                    median_
                                                                            max_  absolute_
      models       scores       rows     rmse      mae       r2     mape   error      error
      elastic_net  train       12384  0.64040  0.46108  0.69395  0.27537  5.3793    0.34581
      elastic_net  validation   4128  0.64933  0.46751  0.68536  0.27921  5.4543    0.35064
      elastic_net  test         4128  0.63299  0.45575  0.70099  0.27218  5.3171    0.34181
      lasso        train       12384  0.64040  0.46108  0.69395  0.27537  5.3793    0.34581
      lasso        validation   4128  0.64933  0.46751  0.68536  0.27921  5.4543    0.35064
      lasso        test         4128  0.63299  0.45575  0.70099  0.27218  5.3171    0.34181

      models       kind         residuals.mean  residuals.standard_deviation
      elastic_net  elastic_net       -9.282e-5                       0.63299
      lasso        lasso           -0.00017275                       0.63299

      10 more metrics (-v shows them)
    ");
}

#[test]
fn headings_stay_whole_where_there_is_room() {
    let shown = show(&[("metrics/evaluation.json", &evaluation())], 110);
    let scores: Vec<_> = shown.lines().skip(10).take(2).collect();
    insta::assert_snapshot!(scores.join("\n"), @"
    models       scores       rows     rmse      mae       r2     mape  max_error  median_absolute_error
    elastic_net  train       12384  0.64040  0.46108  0.69395  0.27537     5.3793                0.34581
    ");
}

#[test]
fn long_names_stay_whole() {
    let text = r#"{"a_rather_long_name": {"of_a_metric_that_lies": {"deep_in_its_file": 0.5}}}"#;
    insta::assert_snapshot!(show(&[("long.json", text)], 40), @"
    long.json
      a_rather_long_name.of_a_metric_that_lies.deep_in_its_file  0.5
    ");
}

#[test]
fn columns_without_room_are_counted() {
    insta::assert_snapshot!(show(&[("metrics/evaluation.json", &evaluation())], 60), @"
    metrics/evaluation.json
      version                   1
      target                    MedHouseVal
      best                      lasso
      select.metric             rmse
      select.part               validation
      passed                    true
      thresholds.test.rmse.max  0.7
      thresholds.test.r2.min    0.6

      models       scores       rows     rmse      mae       r2
      elastic_net  train       12384  0.64040  0.46108  0.69395
      elastic_net  validation   4128  0.64933  0.46751  0.68536
      elastic_net  test         4128  0.63299  0.45575  0.70099
      lasso        train       12384  0.64040  0.46108  0.69395
      lasso        validation   4128  0.64933  0.46751  0.68536
      lasso        test         4128  0.63299  0.45575  0.70099

                                             residuals.
                                 residuals.   standard_
      models       kind                mean   deviation
      elastic_net  elastic_net    -9.282e-5     0.63299
      lasso        lasso        -0.00017275     0.63299

      28 more metrics (-v shows them)
    ");
}

#[test]
fn verbose_shows_every_metric() {
    let files = [("metrics/evaluation.json", &*evaluation())];
    insta::assert_snapshot!(show_as(&files, 80, Verbosity::Verbose), @"
    metrics/evaluation.json
      version                   1
      target                    MedHouseVal
      best                      lasso
      select.metric             rmse
      select.part               validation
      passed                    true
      thresholds.test.rmse.max  0.7
      thresholds.test.r2.min    0.6

      models       scores       rows     rmse      mae       r2     mape  max_error
      elastic_net  train       12384  0.64040  0.46108  0.69395  0.27537     5.3793
      elastic_net  validation   4128  0.64933  0.46751  0.68536  0.27921     5.4543
      elastic_net  test         4128  0.63299  0.45575  0.70099  0.27218     5.3171
      lasso        train       12384  0.64040  0.46108  0.69395  0.27537     5.3793
      lasso        validation   4128  0.64933  0.46751  0.68536  0.27921     5.4543
      lasso        test         4128  0.63299  0.45575  0.70099  0.27218     5.3171

      models       scores      median_absolute_error
      elastic_net  train                     0.34581
      elastic_net  validation                0.35064
      elastic_net  test                      0.34181
      lasso        train                     0.34581
      lasso        validation                0.35064
      lasso        test                      0.34181

      models       kind         residuals.mean  residuals.standard_deviation
      elastic_net  elastic_net       -9.282e-5                       0.63299
      lasso        lasso           -0.00017275                       0.63299

                   residuals.  residuals.  residuals.  residuals.  residuals.
                   quantiles.  quantiles.  quantiles.  quantiles.  quantiles.
      models              p01         p05         p50         p95         p99
      elastic_net     -1.3732     -0.8324     -0.0804      1.1659      2.0567
      lasso           -1.3732     -0.8324     -0.0804      1.1659      2.0567
    ");
}

#[test]
fn different_files_have_sections() {
    let quality = r#"{"version": 1, "source": "data/raw/california_housing.csv", "verdict": "warnings",
        "profile": {"rows": 20640, "duplicates": 0, "columns": [{"name": "MedInc"}]}}"#;
    let scores = r#"{"train": {"rmse": 0.64, "r2": 0.693}, "test": {"rmse": 0.6332, "r2": 1}}"#;
    insta::assert_snapshot!(show(&[("reports/quality.json", quality), ("scores.json", scores)], 80), @"
    reports/quality.json
      version             1
      source              data/raw/california_housing.csv
      verdict             warnings
      profile.rows        20640
      profile.duplicates  0

    scores.json
               rmse     r2
      train  0.6400  0.693
      test   0.6332      1
    ");
}

#[test]
fn a_file_is_a_row_where_that_fits() {
    insta::assert_snapshot!(show(&FILES, 80), @"
    file                test.rmse  test.r2     n    ok
    metrics/lasso.json    0.70123     0.62  4128     -
    metrics/ridge.json       12.5    -1e-7     -  true
    ");
}

#[test]
fn a_metric_is_a_row_where_files_do_not_fit() {
    let text = r#"{"root_mean_squared_error": 0.5, "median_absolute_error": 12, "kind": "x"}"#;
    insta::assert_snapshot!(show(&[("a.json", text), ("b.json", text)], 50), @"
    metric                   a.json  b.json
    root_mean_squared_error     0.5     0.5
    median_absolute_error        12      12
    kind                          x       x
    ");
}

#[test]
fn file_follows_file_where_nothing_fits() {
    insta::assert_snapshot!(show(&FILES, 30), @"
    metrics/lasso.json
      test.rmse  0.70123
      test.r2    0.62
      n          4128

    metrics/ridge.json
      test.rmse  12.5
      test.r2    -1e-7
      ok         true
    ");
}

#[test]
fn files_without_metrics_say_so() {
    insta::assert_snapshot!(show(&[("m.json", "[]"), ("empty.json", "")], 80), @"
    m.json
      no metrics

    empty.json
      no metrics
    ");
}

#[test]
fn a_file_may_be_a_single_number() {
    insta::assert_snapshot!(show(&[("m.json", "0.5")], 80), @"
    m.json
      0.5
    ");
}

#[test]
fn texts_are_shown_in_one_line() {
    let text = r#"{"target": "MedHouseVal", "note": "two\nlines", "long": "the quick brown fox jumps over the lazy dog",
        "by": {"a": {"kind": "x", "verdict": "ok"}, "b": {"kind": "longer", "verdict": "warnings"}}}"#;
    insta::assert_snapshot!(show(&[("texts.json", text)], 40), @r"
    texts.json
      target  MedHouseVal
      note    two\nlines
      long    the quick brown fox jumps ove…

      by  kind    verdict
      a   x       ok
      b   longer  warnings
    ");
}

#[test]
fn lists_are_no_metrics() {
    let text = r#"{"folds": [{"rmse": 1}, {"rmse": 2}], "deep": [[1, [2, [3]]]], "rmse": 0.5,
        "models": {"a": {"r2": 0.5, "deciles": [1, 2]}, "b": {"r2": 0.25, "deciles": [3]}}}"#;
    insta::assert_snapshot!(show(&[("lists.json", text)], 80), @"
    lists.json
      rmse  0.5

      models    r2
      a       0.50
      b       0.25
    ");
}

#[test]
fn wide_characters_keep_the_columns() {
    let text = r#"{"目標": "住宅価格", "modèles": {"線形": {"誤差": 0.5, "R²": 0.6}, "lasso\u001b": {"誤差": 0.25, "R²": NaN}}}"#;
    insta::assert_snapshot!(show(&[("指標.json", text)], 80), @r"
    指標.json
      目標  住宅価格

      modèles      誤差   R²
      線形         0.50  0.6
      lasso\u{1b}  0.25  NaN
    ");
}

#[test]
fn hundreds_of_metrics_are_counted() {
    let classes: Vec<_> = (0..300)
        .map(|i| format!(r#""class_{i}": {{"precision": 0.{i}, "recall": 0.5}}"#))
        .collect();
    let text = format!(
        r#"{{"accuracy": 0.91, "classes": {{{}}}}}"#,
        classes.join(",")
    );
    let shown = show(&[("m.json", &text)], 80);
    assert_eq!(shown.lines().count(), 1 + 2 + 1 + READABLE + 2, "{shown}");
    let ends: Vec<_> = shown.lines().skip(READABLE + 2).collect();
    insta::assert_snapshot!(ends.join("\n"), @"
    class_38       0.38     0.5
    class_39       0.39     0.5

    520 more metrics (-v shows them)
    ");
    let flat: Vec<_> = (0..300).map(|i| format!(r#""m{i}": {i}"#)).collect();
    let shown = show(&[("m.json", &format!("{{{}}}", flat.join(",")))], 80);
    let ends: Vec<_> = shown.lines().skip(READABLE - 1).collect();
    insta::assert_snapshot!(ends.join("\n"), @"
    m38  38
    m39  39

    260 more metrics (-v shows them)
    ");
}
