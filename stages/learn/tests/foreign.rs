//! Files of other tools that are damaged, made to harm or of a kind we do not have: an error that says where, no panic.
//!
//! The documents are made by our own writer, which `interchange.rs` checks against the real tools.

use hpipe_learn::interchange::{Error, Imported, Rounds, lightgbm, onnx, xgboost};
use hpipe_learn::learned::{Learned, Link, Stack};
use hpipe_learn::tree::{Aggregation, Ensemble, FeatureKind, NodeView, Precision, Rule, Tree};
use proptest::prelude::*;
use serde_json::{Value, json};

fn names() -> Vec<String> {
    vec!["size".to_owned(), "town".to_owned()]
}

fn ensemble() -> Ensemble {
    let mut tree = Tree::leaf(0.0, 10.0);
    tree.split(0, (0, Rule::Below(1.5)), true, 4.0, [0.0, 3.0], [6.0, 4.0]);
    let rule = Rule::OneOf(&[0b101]);
    tree.split(1, (1, rule), false, 2.0, [1.0, 2.0], [5.0, 1.0]);
    Ensemble {
        features: vec![FeatureKind::Numeric, FeatureKind::Categorical { levels: 3 }],
        precision: Precision::Single,
        base: 0.5,
        aggregation: Aggregation::Sum,
        trees: vec![tree, Tree::leaf(1.5, 10.0)],
    }
}

fn trees() -> Learned {
    Learned::Trees(ensemble())
}

fn json_model() -> Value {
    let text = xgboost::to_json(&trees(), &names()).expect("written");
    serde_json::from_slice(&text).expect("JSON")
}

fn import(model: &Value) -> Result<Imported, Error> {
    xgboost::from_json(model.to_string().as_bytes(), Rounds::Best)
}

#[test]
fn what_xgboost_is_given_comes_back() {
    let text = xgboost::to_json(&trees(), &names()).expect("written");
    let bytes = xgboost::to_ubj(&trees(), &names()).expect("written");
    let from_json = xgboost::from_json(&text, Rounds::Best).expect("read");
    let from_ubj = xgboost::from_ubj(&bytes, Rounds::All).expect("read");
    assert_eq!(from_json, from_ubj);
    assert_eq!(from_json.features, Some(names()));
    assert_eq!(from_json.objective, "reg:squarederror");
    let Learned::Trees(read) = from_json.learned else {
        panic!("trees were written");
    };
    let rows = [
        [0.0, 0.0],
        [0.0, 1.0],
        [0.0, 2.0],
        [2.0, 1.0],
        [f64::NAN, f64::NAN],
    ];
    for row in rows {
        let row = ndarray::aview1(&row);
        assert_eq!(read.predict_row(row), ensemble().predict_row(row));
    }
}

/// In JSON `0.1` stands for the `f32` nearest to it: rows that lie on it go where XGBoost sends them, also by whoever reads
/// what is written again.
#[test]
fn thresholds_of_a_text_are_numbers_of_32_bits() {
    let mut tree = Tree::leaf(0.0, 10.0);
    let threshold = f64::from(0.1_f32);
    tree.split(
        0,
        (0, Rule::Below(threshold)),
        true,
        4.0,
        [1.1, 3.0],
        [6.0, 4.0],
    );
    let ensemble = Ensemble {
        trees: vec![tree],
        ..ensemble()
    };
    let text = xgboost::to_json(&Learned::Trees(ensemble), &names()).expect("written");
    assert!(
        String::from_utf8_lossy(&text).contains("[0.1,"),
        "a short decimal"
    );
    let read = xgboost::from_json(&text, Rounds::Best).expect("read");
    let Learned::Trees(found) = &read.learned else {
        panic!("trees were written");
    };
    let NodeView::Split(split) = found.trees[0].node(0) else {
        panic!("a split was written");
    };
    assert_eq!(split.rule, Rule::Below(threshold));
    assert_eq!(
        xgboost::to_json(&read.learned, &names()).expect("written"),
        text
    );
}

/// XGBoost's document, with the value at `pointer` replaced.
fn altered(pointer: &str, value: Value) -> String {
    let mut model = json_model();
    let place = model
        .pointer_mut(pointer)
        .unwrap_or_else(|| panic!("no {pointer}"));
    *place = value;
    import(&model).expect_err("refused").to_string()
}

#[test]
fn errors_of_xgboost_models_say_where() {
    const TREE: &str = "/learner/gradient_booster/model/trees/0";
    let place = "learner.gradient_booster.model.trees[0]";
    let cases = [
        ("/learner", json!(1), "learner: it is a number, not a map".to_owned()),
        ("/learner/objective", json!({}), "learner.objective: there is no `name`".to_owned()),
        (
            "/learner/learner_model_param/num_class",
            json!("3"),
            "learner.learner_model_param.num_class: a model of several outputs; a model here has one".to_owned(),
        ),
        (
            "/learner/learner_model_param/base_score",
            json!("[1,2]"),
            "learner.learner_model_param.base_score: `[1,2]` is no number".to_owned(),
        ),
        (
            "/learner/gradient_booster/name",
            json!("forest"),
            "learner.gradient_booster.name: the booster `forest`; known are gbtree, dart and gblinear".to_owned(),
        ),
        ("/learner/feature_names", json!(["a"]), "learner.feature_names: 1 names of 2 features".to_owned()),
        (
            "/learner/attributes",
            json!({"best_iteration": "7"}),
            "learner.gradient_booster.model.iteration_indptr: there is no round 7, the best one".to_owned(),
        ),
        (
            &format!("{TREE}/left_children/0"),
            json!(0),
            format!("{place}: node 0 is no child, or that of two"),
        ),
        (
            &format!("{TREE}/right_children/0"),
            json!(99),
            format!("{place}: node 99 is no child, or that of two"),
        ),
        (
            &format!("{TREE}/split_indices/0"),
            json!(2),
            format!("{place}: node 0 splits by feature 2 of 2"),
        ),
        (
            &format!("{TREE}/sum_hessian"),
            json!([1.0]),
            format!("{place}.sum_hessian: it has 1 numbers where 5 are needed"),
        ),
        (
            &format!("{TREE}/tree_param/size_leaf_vector"),
            json!("2"),
            format!("{place}.tree_param.size_leaf_vector: leaves with several outputs; a model here has one"),
        ),
        (
            &format!("{TREE}/split_type/1"),
            json!(0),
            format!("{place}: node 1: `split_type` and `categories` disagree"),
        ),
        (
            &format!("{TREE}/categories/0"),
            json!(2_000_000_000),
            "learner.gradient_booster.model: its categorical splits know 2000000001 codes, too many to keep".to_owned(),
        ),
    ];
    for (pointer, value, expected) in cases {
        assert_eq!(altered(pointer, value), expected);
    }
}

#[test]
fn unknown_objectives_are_refused_with_the_known() {
    let error = altered("/learner/objective/name", json!("multi:softmax"));
    assert!(error.starts_with(
        "learner.objective.name: the objective `multi:softmax`; known are reg:squarederror, "
    ));
}

const LIGHTGBM: &str = "tree
version=v4
num_class=1
num_tree_per_iteration=1
max_feature_idx=1
objective=regression
feature_names=size town
feature_infos=[0:9] 0:1:2

Tree=0
num_leaves=3
num_cat=1
split_feature=0 1
split_gain=4 2
threshold=1.5 0
decision_type=10 1
left_child=1 -1
right_child=-2 -3
leaf_value=1 2 3
leaf_count=5 4 1
internal_count=10 6
cat_boundaries=0 1
cat_threshold=5
is_linear=0
shrinkage=1

end of trees
";

#[test]
fn errors_of_lightgbm_models_say_the_line() {
    let read = |text: &str| lightgbm::from_text(text.as_bytes());
    let model = read(LIGHTGBM).expect("read").learned;
    let rows = ndarray::arr2(&[[1.5, 2.0], [1.6, 2.0], [f64::NAN, 1.0], [0.0, f64::NAN]]);
    assert_eq!(model.predict(rows.view()), [1.0, 2.0, 3.0, 3.0]);
    let cases = [
        (
            "version=v4\n",
            "",
            "line 1, the header: there is no `version`: it is no LightGBM model",
        ),
        (
            "end of trees",
            "",
            "line 27: the text stops before `end of trees`",
        ),
        (
            "iteration=1",
            "iteration=3",
            "line 4, the header, num_tree_per_iteration: a model of several outputs; a model here has one",
        ),
        (
            "size town",
            "size",
            "line 7, the header, feature_names: 1 names of 2 features",
        ),
        (
            "is_linear=0",
            "is_linear=1",
            "line 24, Tree=0, is_linear: leaves with linear models; train with linear_tree=false",
        ),
        (
            "right_child=-2 -3",
            "right_child=-2 -2",
            "line 17, Tree=0, left_child: node -2 is not there, or is the child of two",
        ),
        (
            "split_feature=0 1",
            "split_feature=0 2",
            "line 13, Tree=0, split_feature: node 1 splits by feature 2 of 2",
        ),
        (
            "threshold=1.5 0",
            "threshold=1.5 1",
            "line 15, Tree=0, threshold: set 1 of categories is not there, or used twice",
        ),
        (
            "gain=4 2",
            "gain=4",
            "line 14, Tree=0, split_gain: it has 1 numbers where 2 are needed",
        ),
        (
            "value=1 2 3",
            "value=1 x 3",
            "line 19, Tree=0, leaf_value: `x` is no such number",
        ),
        (
            "value=1 2 3",
            "value=1 inf 3",
            "the model cannot predict: trees[0], node 2: the leaf is inf",
        ),
    ];
    for (from, to, expected) in cases {
        let text = LIGHTGBM.replace(from, to);
        assert_eq!(read(&text).expect_err("refused").to_string(), expected);
    }
}

#[test]
fn what_a_format_cannot_say_is_refused() {
    let linear = Learned::Linear {
        intercept: 1.0,
        coefficients: vec![1.0, 2.0],
    };
    let stack = Learned::Stack(Stack {
        intercept: 0.0,
        weights: vec![1.0],
        members: vec![trees()],
    });
    let square = Learned::Linked(Link::SignedSquare, Box::new(trees()));
    let large = Learned::Trees(Ensemble {
        base: 1e39,
        ..ensemble()
    });
    let cases = [
        (
            &linear,
            "XGBoost takes trees, not a linear model or a stack; ONNX takes every model",
        ),
        (
            &stack,
            "XGBoost takes trees, not a linear model or a stack; ONNX takes every model",
        ),
        (
            &square,
            "XGBoost has no objective whose prediction is the square of the sum",
        ),
        (
            &large,
            "the base is 1000000000000000000000000000000000000000, too large for numbers of 32 bits",
        ),
    ];
    for (model, expected) in cases {
        let error = xgboost::to_json(model, &names()).expect_err("refused");
        assert_eq!(error.to_string(), expected);
    }
    let error = onnx::to_bytes(&trees(), &names()[..1]).expect_err("refused");
    assert_eq!(error.to_string(), "1 names for 2 features");
}

/// Changes of bytes, and where to cut.
fn damage() -> impl Strategy<Value = (Vec<(prop::sample::Index, u8)>, Option<prop::sample::Index>)>
{
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5);
    (changes, prop::option::of(any::<prop::sample::Index>()))
}

fn harm(
    bytes: &[u8],
    (changes, cut): &(Vec<(prop::sample::Index, u8)>, Option<prop::sample::Index>),
) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, byte) in changes {
        let place = place.index(bytes.len());
        bytes[place] = *byte;
    }
    if let Some(cut) = cut {
        bytes.truncate(cut.index(bytes.len()));
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is wrong with a file: an error or a model that can predict.
    #[test]
    fn damage_never_panics(damage in damage()) {
        let json = xgboost::to_json(&trees(), &names()).expect("written");
        let ubj = xgboost::to_ubj(&trees(), &names()).expect("written");
        let read = [
            xgboost::from_json(&harm(&json, &damage), Rounds::Best),
            xgboost::from_ubj(&harm(&ubj, &damage), Rounds::Best),
            lightgbm::from_text(&harm(LIGHTGBM.as_bytes(), &damage)),
        ];
        for imported in read.into_iter().flatten() {
            let row = ndarray::Array2::zeros((1, imported.learned.n_features()));
            prop_assert_eq!(imported.learned.predict(row.view()).len(), 1);
        }
    }
}
