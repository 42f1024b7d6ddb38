//! What every picture and page promises: valid XML, no markup from names, the same bytes, bounded size, real pixels.

use hpipe_plot::*;

const HOSTILE: &str = "</script><b onload=\"x\">&'</title>]]>\u{0}";

fn wave(rows: usize) -> (Vec<f64>, Vec<f64>) {
    let at = |row: usize, ratio: f64| (row as f64 * ratio).fract();
    let actual: Vec<_> = (0..rows)
        .map(|row| at(row, 0.618_033_988) * 4.0 + at(row, 0.414_213_562))
        .collect();
    let predicted = actual
        .iter()
        .enumerate()
        .map(|(row, y)| y + at(row, 0.732_050_807) - 0.5)
        .collect();
    (actual, predicted)
}

fn study(name: &str, trials: usize) -> Study {
    let trial = |number: usize| {
        let at = |ratio: f64| (number as f64 * ratio).fract();
        let state = if number % 7 == 3 {
            TrialState::Pruned
        } else {
            TrialState::Complete
        };
        Trial {
            value: Some(0.4 + at(0.618)),
            state,
            parameters: vec![10f64.powf(-3.0 * at(0.41)), (number % 3) as f64],
        }
    };
    let choices = [name, "b", "c"].map(str::to_owned).to_vec();
    let parameters = vec![
        Parameter {
            name: name.to_owned(),
            scale: ParameterScale::Log,
        },
        Parameter {
            name: "kind".to_owned(),
            scale: ParameterScale::Category(choices),
        },
    ];
    Study {
        objective: name.to_owned(),
        is_minimized: true,
        parameters,
        trials: (0..trials).map(trial).collect(),
    }
}

fn explained(name: &str, rows: usize) -> Explained {
    let (values, contributions) = wave(rows);
    Explained {
        names: vec![name.to_owned(), "b".to_owned()],
        contributions: vec![contributions.clone(), contributions],
        values: vec![values.clone(), values],
    }
}

/// Every chart, with this name wherever a name can be, and this many rows.
fn figures(name: &str, rows: usize) -> Vec<Figure> {
    let (actual, predicted) = wave(rows);
    let target = Quantity::new(name).unit(name);
    let items = [Importance {
        name: name.to_owned(),
        value: 0.5,
        error: Some(0.1),
    }];
    let models = [ModelScores {
        model: name.to_owned(),
        scores: vec![0.4, 0.5],
        is_selected: true,
    }];
    let curve = Curve {
        name: name.to_owned(),
        values: actual
            .iter()
            .enumerate()
            .map(|(row, y)| (row as f64, *y))
            .collect(),
    };
    let cell = Region {
        x: (0.0, 1.0),
        y: (0.0, 1.0),
        value: -0.3,
        rows: 4,
    };
    let (study, explained) = (study(name, rows.min(200)), explained(name, rows));
    let mut figures = vec![
        predicted_against_actual(&actual, &predicted, &target).expect("columns fit"),
        residuals_against_predicted(&actual, &predicted, &target).expect("columns fit"),
        residual_histogram(&actual, &predicted, &target).expect("columns fit"),
        residual_quantiles(&actual, &predicted, &target).expect("columns fit"),
        importance(name, name, &items, 20),
        compared_models(name, &["train", name], &models, Some((0.45, name))),
        learning_curve(name, &[curve], Some(3.0), true),
        regions(name, (&target, &target), &target, &[cell], true, true),
        shap_summary(&explained, &target, 20).expect("columns fit"),
        shap_dependence(&explained, &target, 0, Some(1)).expect("columns fit"),
        shap_waterfall(&[(name.to_owned(), name.to_owned(), 0.2)], 1.0, &target, 10),
        study_history(&study),
        study_parallel(&study),
        study_slices(&study),
    ];
    let words =
        |count: usize| Column::Words((0..count).map(|row| format!("{name}{}", row % 3)).collect());
    for (_, template) in Template::ALL {
        let labels = TemplateOptions {
            template,
            title: name.to_owned(),
            x_label: name.to_owned(),
            y_label: name.to_owned(),
        };
        let few = rows.min(60);
        let series = Series {
            name: name.to_owned(),
            x: Some(words(few)),
            y: Column::Numbers(actual[..few].to_vec()),
        };
        figures.push(draw_template(&labels, &[series.clone(), series]).expect("columns fit"));
    }
    figures
}

fn elements(xml: &str) -> Vec<(String, String)> {
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..Default::default()
    };
    let document = roxmltree::Document::parse_with_options(xml, options)
        .unwrap_or_else(|error| panic!("{error}"));
    let of = |node: roxmltree::Node<'_, '_>| {
        (
            node.tag_name().name().to_owned(),
            node.text().unwrap_or_default().to_owned(),
        )
    };
    document
        .root()
        .descendants()
        .filter(roxmltree::Node::is_element)
        .map(of)
        .collect()
}

#[test]
fn names_never_become_markup() {
    for figure in figures(HOSTILE, 300) {
        let svg = figure.draw().to_svg();
        let known = ["svg", "title", "desc", "style", "rect", "path", "g", "text"];
        for (element, _) in elements(&svg) {
            assert!(
                known.contains(&element.as_str()),
                "<{element}> in {}",
                figure.title()
            );
        }
    }
}

#[test]
fn pages_are_well_formed_whatever_names_are() {
    let verdict = Verdict {
        outcome: Outcome::Pass,
        words: HOSTILE.to_owned(),
    };
    let cells = vec![
        TableCell::from(HOSTILE),
        TableCell::Number(f64::NAN, 3),
        TableCell::Verdict(verdict.clone()),
    ];
    let table = PageTable {
        caption: HOSTILE.to_owned(),
        columns: vec![HOSTILE.to_owned(); 3],
        rows: vec![cells, vec![]],
        strong: Some(0),
    };
    let figure = KeyFigure {
        label: HOSTILE.to_owned(),
        value: HOSTILE.to_owned(),
        detail: HOSTILE.to_owned(),
    };
    let page = Page::new(HOSTILE)
        .subtitle(HOSTILE)
        .section(HOSTILE)
        .heading(HOSTILE)
        .paragraph(HOSTILE)
        .note(HOSTILE);
    let page = page
        .list(vec![HOSTILE.to_owned()])
        .key_figures(vec![figure])
        .verdict(verdict, HOSTILE)
        .table(table);
    let page = page
        .section(HOSTILE)
        .pictures(figures(HOSTILE, 50).iter().map(Figure::draw).collect());
    let html = page.details(HOSTILE, HOSTILE).footer(HOSTILE).to_html();
    let found = elements(&html);
    assert_eq!(
        found
            .iter()
            .filter(|(element, _)| element == "script")
            .count(),
        1
    );
    assert!(found.iter().all(|(element, _)| element != "b"));
    assert_eq!(
        found.iter().filter(|(element, _)| element == "h2").count(),
        2
    );
}

/// The words that could make a browser ask somebody for something.
#[test]
fn nothing_is_requested_from_anywhere() {
    let page = Page::new("report")
        .section("a")
        .section("b")
        .pictures(figures("rooms", 50).iter().map(Figure::draw).collect());
    let html = page.to_html();
    let without_names = html
        .replace("http://www.w3.org/1999/xhtml", "")
        .replace("http://www.w3.org/2000/svg", "");
    for word in [
        "http:", "https:", "\"//", "url(", "@import", "src=", "<link", "<img", "xlink",
    ] {
        assert!(!without_names.contains(word), "{word}");
    }
}

#[test]
fn the_same_values_give_the_same_bytes() {
    for (a, b) in figures("rooms", 3000).iter().zip(figures("rooms", 3000)) {
        assert_eq!(a.draw().to_svg(), b.draw().to_svg(), "{}", a.title());
    }
}

/// 100,000 rows, and what a file may take: cells are 8 to 12 bytes, and there are at most as many as fit into the picture.
#[test]
fn size_is_bounded_by_the_area_not_by_the_rows() {
    for figure in figures("rooms", 100_000) {
        let bytes = figure.draw().to_svg().len();
        assert!(bytes < 200_000, "{}: {bytes}", figure.title());
    }
}

fn texts(svg: &str) -> Vec<String> {
    elements(svg)
        .into_iter()
        .filter(|(element, _)| element == "text")
        .map(|(_, text)| text)
        .collect()
}

#[test]
fn nothing_to_show_is_said() {
    let (nothing, target) = ([], Quantity::new("rooms"));
    let empty = Study {
        trials: Vec::new(),
        ..study("rooms", 0)
    };
    let figures = [
        predicted_against_actual(&nothing, &nothing, &target).expect("both are empty"),
        residual_histogram(&nothing, &nothing, &target).expect("both are empty"),
        residual_quantiles(&[f64::NAN], &[1.0], &target).expect("both have one"),
        learning_curve("RMSE", &[], None, false),
        study_history(&empty),
        study_parallel(&Study {
            parameters: Vec::new(),
            ..empty.clone()
        }),
        importance("importance", "gain", &[], 10),
        regions("map", (&target, &target), &target, &[], true, true),
    ];
    for figure in figures {
        assert!(
            texts(&figure.draw().to_svg()).contains(&"no data".to_owned()),
            "{}",
            figure.title()
        );
    }
}

#[test]
fn what_cannot_be_shown_is_counted() {
    let places = vec![
        (1.0, 1.0),
        (f64::NAN, 1.0),
        (2.0, f64::INFINITY),
        (0.0, 1.0),
        (-1.0, 2.0),
        (4.0, 2.0),
        (900.0, 2.0),
    ];
    let chart = Chart::new(Axis::log("x").to(100.0), Axis::linear("y"))
        .with(Mark::Points(Points::new(places)));
    let texts = texts(&Figure::new("f", chart).draw().to_svg()).join(" ");
    let said = "2 values are not shown: not finite. 2 values are not shown: not positive, on a logarithmic axis. 1 value is not shown: beyond the axes.";
    assert!(texts.contains(said), "{texts}");
}

#[test]
fn one_value_and_extreme_values_have_a_place() {
    for values in [
        vec![0.0],
        vec![5.0, 5.0],
        vec![-1e300, 1e300],
        vec![1e-300, 2e-300],
        vec![1e15, 1e15 + 1.0],
    ] {
        let places = values.iter().map(|value| (*value, *value)).collect();
        let chart = Chart::new(Axis::linear("x"), Axis::linear("y"))
            .with(Mark::Points(Points::new(places)));
        let svg = Figure::new("f", chart).draw().to_svg();
        assert!(
            svg.contains("p-dots p-c0") && !svg.contains("NaN") && !svg.contains("inf"),
            "{values:?}"
        );
    }
}

/// A small chart in full, so that a change of the look is seen.
#[test]
fn a_small_chart_looks_like_this() {
    let chart = Chart::new(Axis::linear("size (m²)"), Axis::category("", ["a", "b"])).with(
        Mark::Bars(Bars {
            bars: vec![Bar::new(0.0, 0.6, 2.0), Bar::new(1.0, 0.6, 1.0)],
            is_horizontal: true,
            tone: Tone::Series(0),
            fill: Fill::Solid,
            name: None,
        }),
    );
    let svg = Figure::new("Small", chart)
        .width(240.0)
        .panel_height(100.0)
        .draw()
        .to_svg();
    let (_, body) = svg.split_once("</style>").expect("a style");
    insta::assert_snapshot!(
        body.replace("/><", "/>\n<")
            .replace("</text><", "</text>\n<")
    );
}

#[cfg(feature = "png")]
mod pixels {
    use super::*;

    /// Width, and the RGBA of every pixel.
    fn decoded(bytes: &[u8]) -> (u32, Vec<[u8; 4]>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("a frame");
        assert_eq!(info.color_type, png::ColorType::Rgba);
        (
            info.width,
            pixels
                .chunks_exact(4)
                .map(|p| [p[0], p[1], p[2], p[3]])
                .collect(),
        )
    }

    fn dark(pixels: &[[u8; 4]]) -> usize {
        pixels
            .iter()
            .filter(|p| p[0] < 90 && p[1] < 90 && p[2] < 90)
            .count()
    }

    #[test]
    fn png_has_the_size_of_the_picture_and_is_opaque() {
        let picture = figures("rooms", 300)[0].draw();
        let (width, height) = picture.size();
        let (columns, pixels) = decoded(&picture.to_png(2.0).expect("a picture"));
        assert_eq!(f64::from(columns), width * 2.0);
        assert!((pixels.len() as f64 / f64::from(columns) - height.round() * 2.0).abs() <= 1.0);
        assert!(
            pixels.iter().all(|pixel| pixel[3] == 255),
            "no pixel lets the ground through"
        );
    }

    /// With no font on the machine text must still be drawn: a title adds dark pixels, a longer one more.
    #[test]
    fn text_is_drawn_with_the_font_we_bring() {
        let ink = |title: &str| {
            let chart = Chart::new(Axis::linear(""), Axis::linear(""));
            dark(
                &decoded(
                    &Figure::new(title, chart)
                        .draw()
                        .to_png(1.0)
                        .expect("a picture"),
                )
                .1,
            )
        };
        let (none, short, long) = (ink(""), ink("HHHH"), ink("HHHHHHHHHHHH"));
        assert!(
            short > none + 100 && long > none + 2 * (short - none),
            "{none} {short} {long}"
        );
        let (sign, box_of_unknown) = (
            ink("★✓−²ąЖλ"),
            ink("\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}"),
        );
        assert!(sign > box_of_unknown + 60, "{sign} {box_of_unknown}");
    }

    #[test]
    fn dots_of_no_length_are_drawn() {
        let places = (0..40)
            .map(|n| (f64::from(n), f64::from(n * n % 17)))
            .collect();
        let chart = Chart::new(Axis::linear("x"), Axis::linear("y"))
            .with(Mark::Points(Points::new(places)));
        let (_, pixels) = decoded(
            &Figure::new("f", chart)
                .draw()
                .to_png(1.0)
                .expect("a picture"),
        );
        let blue = pixels.iter().filter(|p| p[2] > 120 && p[0] < 90).count();
        assert!(blue > 40 * 10, "{blue}");
    }

    #[test]
    fn pixels_do_not_change_from_time_to_time_and_sizes_are_checked() {
        let picture = figures("rooms", 500)[1].draw();
        assert_eq!(picture.to_png(1.0), picture.to_png(1.0));
        let message = picture
            .to_png(1000.0)
            .expect_err("far too large")
            .to_string();
        assert!(
            message.starts_with("draw the PNG: a picture of 600000 × "),
            "{message}"
        );
    }
}
