//! Draws every chart into a folder, as SVG and PNG, and one report page with all of them.
//!
//! `cargo run -p hpipe-plot --example gallery -- FOLDER`. The data is made up, from a seed.

use std::path::Path;

use hpipe_plot::*;

/// Numbers that look random (Steele et al., 2014, splitmix64), from a seed.
struct Numbers(u64);

impl Numbers {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Sum of twelve: near enough to normal.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

fn target() -> Quantity {
    Quantity::new("MedHouseVal").unit("100,000 $")
}

fn predictions(rows: usize) -> (Vec<f64>, Vec<f64>) {
    let mut numbers = Numbers(7);
    let actual: Vec<f64> = (0..rows)
        .map(|_| (0.7 + numbers.normal() * 0.5).exp().clamp(0.15, 5.0))
        .collect();
    let predicted = actual
        .iter()
        .map(|y| (y * 0.86 + 0.28 + numbers.normal() * (0.12 + 0.1 * y)).max(0.1))
        .collect();
    (actual, predicted)
}

fn explained(rows: usize) -> Explained {
    let names = [
        "MedInc",
        "Latitude",
        "Longitude",
        "AveOccup",
        "AveRooms",
        "HouseAge",
        "AveBedrms",
        "Population",
    ];
    let mut numbers = Numbers(3);
    let mut contributions = Vec::new();
    let mut values = Vec::new();
    for place in 0..names.len() {
        let column: Vec<f64> = (0..rows)
            .map(|_| {
                if numbers.uniform() < 0.01 {
                    f64::NAN
                } else {
                    (numbers.normal() * 0.4).exp() * 3.0
                }
            })
            .collect();
        let slope = [0.34, -0.2, -0.16, -0.1, 0.06, 0.03, 0.01, -0.005][place];
        contributions.push(
            column
                .iter()
                .map(|v| {
                    if v.is_nan() {
                        0.0
                    } else {
                        slope * (v - 3.2) + numbers.normal() * 0.012
                    }
                })
                .collect(),
        );
        values.push(column);
    }
    Explained {
        names: names.map(str::to_owned).to_vec(),
        contributions,
        values,
    }
}

fn study() -> Study {
    let mut numbers = Numbers(11);
    let kinds = ["gbtree", "dart", "goss"];
    let parameters = vec![
        Parameter {
            name: "learning_rate".into(),
            scale: ParameterScale::Log,
        },
        Parameter {
            name: "max_leaves".into(),
            scale: ParameterScale::Linear,
        },
        Parameter {
            name: "min_child_weight".into(),
            scale: ParameterScale::Log,
        },
        Parameter {
            name: "booster".into(),
            scale: ParameterScale::Category(kinds.map(str::to_owned).to_vec()),
        },
        Parameter {
            name: "subsample".into(),
            scale: ParameterScale::Linear,
        },
    ];
    let trial = |number: usize| {
        let narrow = 1.0 / (1.0 + number as f64 / 25.0);
        let rate = 10f64.powf(-1.2 + (numbers.uniform() - 0.5) * 3.0 * narrow);
        let leaves = (40.0 + (numbers.uniform() - 0.5) * 60.0 * narrow).round();
        let weight = 10f64.powf((numbers.uniform() - 0.3) * 3.0 * narrow);
        let kind = if numbers.uniform() < 0.3 + 0.5 * (1.0 - narrow) {
            0.0
        } else {
            (numbers.uniform() * 3.0).floor()
        };
        let subsample = if kind == 2.0 {
            f64::NAN
        } else {
            0.75 + (numbers.uniform() - 0.5) * 0.5 * narrow
        };
        let value = 0.443
            + 0.05 * (rate.log10() + 1.2).powi(2)
            + ((leaves - 45.0) / 90.0).powi(2) * 0.1
            + 0.01 * kind
            + numbers.uniform() * 0.012;
        let state = match numbers.uniform() {
            u if u < 0.02 => TrialState::Failed,
            _ if value > 0.475 && number > 10 => TrialState::Pruned,
            _ => TrialState::Complete,
        };
        let value = (state != TrialState::Failed).then_some(value);
        Trial {
            value,
            state,
            parameters: vec![rate, leaves, weight, kind, subsample],
        }
    };
    let trials = (0..100).map(trial).collect();
    Study {
        objective: "validation RMSE (100,000 $)".into(),
        is_minimized: true,
        parameters,
        trials,
    }
}

fn regression_figures() -> Result<Vec<(&'static str, Figure)>, Error> {
    let (actual, predicted) = predictions(4128);
    let target = target();
    Ok(vec![
        (
            "predicted",
            predicted_against_actual(&actual, &predicted, &target)?,
        ),
        (
            "predicted_few",
            predicted_against_actual(&actual[..300], &predicted[..300], &target)?,
        ),
        (
            "residuals",
            residuals_against_predicted(&actual, &predicted, &target)?,
        ),
        (
            "histogram",
            residual_histogram(&actual, &predicted, &target)?,
        ),
        (
            "quantiles",
            residual_quantiles(&actual, &predicted, &target)?,
        ),
    ])
}

fn importances() -> Vec<Importance> {
    let items = [
        ("MedInc", 0.41, 0.012),
        ("Longitude", 0.33, 0.010),
        ("Latitude", 0.31, 0.011),
        ("AveOccup", 0.094, 0.004),
        ("bedrooms_per_room_of_the_block_group_and_more", 0.05, 0.003),
        ("HouseAge", 0.021, 0.002),
        ("AveRooms", 0.012, 0.003),
        ("Population", -0.002, 0.004),
    ];
    items
        .map(|(name, value, error)| Importance {
            name: name.into(),
            value,
            error: Some(error),
        })
        .to_vec()
}

fn models() -> Figure {
    let scores = [
        ("linear", 0.724, 0.728, 0.731),
        ("elastic_net", 0.73, 0.735, 0.738),
        ("decision_tree", 0.41, 0.61, 0.614),
        ("random_forest", 0.19, 0.502, 0.506),
        ("gradient_boosting", 0.36, 0.468, 0.47),
        ("xgboost", 0.27, 0.444, 0.447),
    ];
    let models = scores.map(|(name, a, b, c)| ModelScores {
        model: name.into(),
        scores: vec![a, b, c],
        is_selected: name == "xgboost",
    });
    compared_models(
        "RMSE (100,000 $)",
        &["train", "validation", "test"],
        &models,
        Some((0.5, "required: at most")),
    )
}

fn learning() -> Figure {
    let curve = |floor: f64, rise: f64| {
        (1..=500)
            .map(|i| {
                (
                    f64::from(i),
                    floor + 0.75 * (-f64::from(i) / 60.0).exp() + rise * f64::from(i),
                )
            })
            .collect()
    };
    let curves = [
        Curve {
            name: "train".into(),
            values: curve(0.30, -0.0001),
        },
        Curve {
            name: "validation".into(),
            values: curve(0.43, 0.00004),
        },
    ];
    learning_curve("RMSE (100,000 $)", &curves, Some(312.0), false)
}

fn map() -> Figure {
    let mut numbers = Numbers(5);
    let mut cells = Vec::new();
    for row in 0..20 {
        for column in 0..20 {
            let (x, y) = (
                -124.0 + f64::from(column) * 0.5,
                32.5 + f64::from(row) * 0.48,
            );
            if (x + 119.5 + (y - 37.0) * 1.05).abs() < 2.1 {
                let value = ((x * 1.3).sin() + (y * 0.9).cos()) * 0.14 + numbers.normal() * 0.04;
                cells.push(Region {
                    x: (x, x + 0.5),
                    y: (y, y + 0.48),
                    value,
                    rows: (numbers.uniform() * 200.0) as usize,
                });
            }
        }
    }
    let axes = (
        &Quantity::new("longitude").unit("°"),
        &Quantity::new("latitude").unit("°"),
    );
    regions(
        "Where the model errs",
        axes,
        &Quantity::new("mean residual").unit("100,000 $"),
        &cells,
        true,
        true,
    )
}

fn template(
    template: Template,
    title: &str,
    x: Option<Column>,
    y: &[Column],
) -> Result<Figure, Error> {
    let names = ["workspace", "main", "v1.2.0"];
    let series: Vec<_> = y
        .iter()
        .zip(names)
        .map(|(y, name)| Series {
            name: name.into(),
            x: x.clone(),
            y: y.clone(),
        })
        .collect();
    draw_template(
        &TemplateOptions {
            template,
            title: title.into(),
            x_label: "step".into(),
            y_label: "loss".into(),
        },
        &series,
    )
}

fn template_figures() -> Result<Vec<(&'static str, Figure)>, Error> {
    let mut numbers = Numbers(2);
    let mut loss = |count: usize, floor: f64| {
        Column::Numbers(
            (0..count)
                .map(|i| floor + (-(i as f64) / 20.0).exp() + numbers.normal() * 0.03)
                .collect(),
        )
    };
    let (few, many) = (
        [loss(20, 0.2), loss(20, 0.3), loss(20, 0.25)],
        [loss(150, 0.2), loss(150, 0.32)],
    );
    let words = |words: &[&str], count: usize| {
        Column::Words(
            (0..count)
                .map(|i| words[(i * i + i / 3) % words.len()].to_owned())
                .collect(),
        )
    };
    let classes = ["cat", "dog", "otter"];
    let names = Column::Words(
        ["income", "rooms per household", "age"]
            .map(str::to_owned)
            .to_vec(),
    );
    let lengths = [
        Column::Numbers(vec![0.4, 0.9, 0.2]),
        Column::Numbers(vec![0.5, 0.7, 0.3]),
    ];
    let long = Column::Words((0..14).map(|i| format!("category number {i}")).collect());
    Ok(vec![
        ("linear", template(Template::Linear, "Linear", None, &few)?),
        ("smooth", template(Template::Smooth, "Smooth", None, &many)?),
        (
            "scatter",
            template(Template::Scatter, "Scatter", None, &few)?,
        ),
        (
            "confusion",
            template(
                Template::Confusion,
                "Confusion",
                Some(words(&classes, 200)),
                &[
                    words(&classes, 200),
                    words(&["cat", "dog", "dog", "otter"], 200),
                ],
            )?,
        ),
        (
            "confusion_normalized",
            template(
                Template::ConfusionNormalized,
                "Confusion",
                Some(words(&classes, 200)),
                &[words(&["cat", "dog", "dog", "otter"], 200)],
            )?,
        ),
        (
            "bar_horizontal",
            template(Template::BarHorizontalSorted, "Bars", Some(names), &lengths)?,
        ),
        (
            "categories",
            template(Template::Linear, "Categories", Some(long), &[loss(14, 0.2)])?,
        ),
    ])
}

fn waterfall() -> Figure {
    let steps = [
        ("MedInc", "8.3", 0.94),
        ("Latitude", "37.88", 0.31),
        ("Longitude", "−122.2", -0.42),
        ("AveOccup", "2.56", 0.12),
        ("HouseAge", "41", 0.08),
        ("AveRooms", "6.98", -0.05),
        ("AveBedrms", "1.02", 0.01),
        ("Population", "322", -0.01),
    ];
    let steps = steps.map(|(name, value, step)| (name.to_owned(), value.to_owned(), step));
    shap_waterfall(&steps, 2.07, &target(), 7)
}

fn figures() -> Result<Vec<(&'static str, Figure)>, Error> {
    let (study, explained) = (study(), explained(2000));
    let parameters = [
        ("learning_rate", 0.58),
        ("max_leaves", 0.2),
        ("booster", 0.14),
        ("min_child_weight", 0.05),
        ("subsample", 0.03),
    ];
    let parameters = parameters.map(|(name, value)| Importance {
        name: name.into(),
        value,
        error: None,
    });
    let mut figures = regression_figures()?;
    figures.extend([
        (
            "importance",
            importance(
                "Permutation importance",
                "increase of RMSE when shuffled (100,000 $)",
                &importances(),
                20,
            ),
        ),
        ("models", models()),
        ("learning", learning()),
        ("shap_summary", shap_summary(&explained, &target(), 20)?),
        (
            "shap_dependence",
            shap_dependence(&explained, &target(), 0, Some(5))?,
        ),
        ("shap_waterfall", waterfall()),
        ("study_history", study_history(&study)),
        ("study_parallel", study_parallel(&study)),
        ("study_slices", study_slices(&study)),
        (
            "study_importance",
            importance(
                "Importance of parameters",
                "part of the variance of the objective",
                &parameters,
                20,
            ),
        ),
        ("map", map()),
        ("no_data", learning_curve("RMSE", &[], None, false)),
    ]);
    figures.extend(template_figures()?);
    Ok(figures)
}

/// A report with every figure, and one of each other part of a page.
fn page(figures: &[(&'static str, Figure)]) -> Page {
    let parts = [
        ("Predictions", 0..5),
        ("Features and training", 5..8),
        ("Explanations", 8..11),
        ("Study", 11..15),
        ("Regions", 15..16),
        ("Templates", 17..24),
    ];
    let add = |page: Page, (heading, range): (&str, std::ops::Range<usize>)| {
        let pictures = figures[range]
            .iter()
            .map(|(_, figure)| figure.draw())
            .collect();
        page.section(heading).pictures(pictures)
    };
    let page = parts.into_iter().fold(first_sections(), add);
    page.section("How")
        .details("Settings", "learning_rate: 0.05\nmax_leaves: 31")
        .footer("Made by hpipe.")
}

fn first_sections() -> Page {
    let pass = Verdict {
        outcome: Outcome::Pass,
        words: "pass".into(),
    };
    let key = |label: &str, value: &str, detail: &str| KeyFigure {
        label: label.into(),
        value: value.into(),
        detail: detail.into(),
    };
    Page::new("California Housing: evaluation")
        .subtitle("Eight models on 20,640 block groups; the best is selected by validation RMSE")
        .section("At a glance")
        .verdict(pass, "xgboost reaches the required test RMSE of 0.500")
        .key_figures(vec![
            key("selected model", "xgboost", "of 8 models"),
            key("test RMSE", "0.447", "required: at most 0.500"),
            key("test R²", "0.848", "share of the variance explained"),
            key("test rows", "4,128", "20 % of all"),
        ])
        .note("Prices above 500,000 $ were cut off when the data was collected; no model can see beyond.")
        .section("Models")
        .table(table())
}

fn table() -> PageTable {
    let verdict = |outcome, words: &str| {
        TableCell::Verdict(Verdict {
            outcome,
            words: words.into(),
        })
    };
    let row = |name: &str, rmse: f64, r2: f64| {
        let verdict = if rmse < 0.5 {
            verdict(Outcome::Pass, "pass")
        } else {
            verdict(Outcome::Fail, "fail")
        };
        vec![
            name.into(),
            TableCell::Number(rmse, 4),
            TableCell::Number(r2, 4),
            verdict,
        ]
    };
    let rows = [
        ("xgboost", 0.4471, 0.8478),
        ("gradient_boosting", 0.4702, 0.8317),
        ("random_forest", 0.5061, 0.805),
        ("linear", 0.7312, 0.593),
        ("</script><b>bold</b>", f64::NAN, f64::NAN),
    ];
    PageTable {
        caption: "Scores on the test part (RMSE in 100,000 $)".into(),
        columns: ["model", "RMSE", "R²", "verdict"]
            .map(str::to_owned)
            .to_vec(),
        rows: rows.map(|(name, rmse, r2)| row(name, rmse, r2)).to_vec(),
        strong: Some(0),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an example writes what one looks at once"
)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: gallery FOLDER")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let figures = figures()?;
    std::fs::write(folder.join("index.html"), page(&figures).to_html())?;
    for (name, figure) in figures {
        let picture = figure.draw();
        std::fs::write(folder.join(format!("{name}.svg")), picture.to_svg())?;
        #[cfg(feature = "png")]
        std::fs::write(folder.join(format!("{name}.png")), picture.to_png(2.0)?)?;
    }
    Ok(())
}
