//! The contract of the model file: golden bytes, the same bits back, and an error for every kind of damage.

use hpipe_learn::learned::{Learned, Link, Stack};
use hpipe_learn::model_file::{Error, read, write};
use hpipe_learn::tree::{Aggregation, Ensemble, FeatureKind, Precision, Rule, Tree};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Golden bytes: a change here is a change of the format, and needs a new version.
const GOLDEN: &[u8] = include_bytes!("golden/model.safetensors");

fn content() -> Value {
    json!({"kind": "stack", "target": "price", "features": ["size", "town"]})
}

/// Every kind of model in one: a stack of a linear model, a forest with a categorical split, and a boosting with a link.
fn everything() -> Learned {
    let linear = Learned::Linear {
        intercept: 0.1,
        coefficients: vec![1.5, -0.25],
    };
    Learned::Stack(Stack {
        intercept: -0.5,
        weights: vec![0.25, 0.5, 0.25],
        members: vec![
            linear,
            Learned::Trees(forest()),
            Learned::Linked(Link::Exp, Box::new(Learned::Trees(boosting()))),
        ],
    })
}

fn forest() -> Ensemble {
    let mut tree = Tree::leaf(0.0, 10.0);
    let rule = Rule::Below(f64::from(1.1_f32));
    tree.split(0, (0, rule), true, 4.0, [0.0, 3.0], [6.0, 4.0]);
    let rule = Rule::OneOf(&[0b101, 1]);
    tree.split(1, (1, rule), false, 2.0, [1.0, 2.0], [5.0, 1.0]);
    Ensemble {
        features: vec![
            FeatureKind::Numeric,
            FeatureKind::Categorical { levels: 65 },
        ],
        precision: Precision::Single,
        base: 0.0,
        aggregation: Aggregation::Mean,
        trees: vec![tree, Tree::leaf(1.5, 10.0)],
    }
}

fn boosting() -> Ensemble {
    let mut tree = Tree::leaf(0.0, 10.0);
    tree.split(
        0,
        (1, Rule::Below(0.1)),
        false,
        4.0,
        [0.1, -0.0],
        [6.0, 4.0],
    );
    tree.split(
        2,
        (0, Rule::Below(-3.5)),
        false,
        4.0,
        [1e-300, 2.0],
        [2.0, 2.0],
    );
    Ensemble {
        features: vec![FeatureKind::Numeric; 2],
        precision: Precision::Double,
        base: 2.07,
        aggregation: Aggregation::Sum,
        trees: vec![tree],
    }
}

fn back(bytes: &[u8]) -> Result<(Value, Learned), Error> {
    read(bytes)
}

#[test]
fn bytes_are_golden() {
    let bytes = write(&content(), &everything()).expect("written");
    if bytes != GOLDEN {
        let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/model.safetensors");
        std::fs::write(path, &bytes).expect("kept for a look");
        panic!("other bytes than the golden ones: {path}");
    }
    assert_eq!(back(GOLDEN).expect("read"), (content(), everything()));
}

#[test]
fn header_is_text_to_read() {
    let length = u64::from_le_bytes(GOLDEN[..8].try_into().expect("8 bytes")) as usize;
    let header: Value = serde_json::from_slice(&GOLDEN[8..8 + length]).expect("JSON");
    let ours: Value = serde_json::from_str(header["__metadata__"]["hpipe"].as_str().expect("text"))
        .expect("JSON in a text");
    let trees = json!({"trees": {"precision": "single", "aggregation": "mean"}});
    let double = json!({"trees": {"precision": "double", "aggregation": "sum"}});
    let linked = json!({"linked": {"link": "exp", "model": double}});
    assert_eq!(
        ours,
        json!({
            "format": "hpipe-model",
            "version": 2,
            "model": {"stack": {"members": ["linear", trees, linked]}},
            "content": content(),
        })
    );
    assert_eq!(header["members/1/threshold"]["dtype"], "F32");
    assert_eq!(header["members/2/threshold"]["dtype"], "F64");
}

#[test]
fn numbers_keep_their_bits() {
    let coefficients = vec![-0.0, f64::MIN_POSITIVE / 8.0, 1.0 / 3.0, f64::MAX];
    let model = Learned::Linear {
        intercept: 0.1 + 0.2,
        coefficients: coefficients.clone(),
    };
    let (_, read) = back(&write(&(), &model).expect("written")).expect("read");
    let Learned::Linear {
        coefficients: found,
        ..
    } = read
    else {
        panic!("{read:?}")
    };
    let bits = |numbers: &[f64]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&found), bits(&coefficients));
}

/// The target of the issue: a forest of 1.2 million nodes in at most 25 MB.
#[test]
fn a_large_forest_is_small() {
    let mut tree = Tree::leaf(0.0, 1.0);
    for order in 0..2999 {
        let threshold = f64::from(order as f32 * 0.1);
        tree.split(
            order,
            (order % 8, Rule::Below(threshold)),
            true,
            1.0,
            [0.1, 0.2],
            [1.0, 1.0],
        );
    }
    let model = Learned::Trees(Ensemble {
        features: vec![FeatureKind::Numeric; 8],
        precision: Precision::Single,
        base: 0.0,
        aggregation: Aggregation::Mean,
        trees: vec![tree; 200],
    });
    let bytes = write(&(), &model).expect("written");
    assert_eq!(bytes.len() / 1_000_000, 19, "{} bytes", bytes.len());
    let (_, read) = read::<()>(&bytes).expect("read");
    assert!(read == model);
}

#[test]
fn every_cut_is_noticed() {
    for length in 0..GOLDEN.len() {
        assert!(back(&GOLDEN[..length]).is_err(), "cut to {length} bytes");
    }
    let longer = [GOLDEN, &[0]].concat();
    assert!(back(&longer).is_err());
}

/// The golden file with a text of its header replaced by one of the same length.
fn altered(from: &str, to: &str) -> String {
    assert_eq!(from.len(), to.len());
    let place = GOLDEN
        .windows(from.len())
        .position(|w| w == from.as_bytes());
    let place = place.unwrap_or_else(|| panic!("no {from}"));
    let mut bytes = GOLDEN.to_vec();
    bytes[place..place + to.len()].copy_from_slice(to.as_bytes());
    back(&bytes).expect_err("refused").to_string()
}

#[test]
fn errors_say_what_is_wrong() {
    let first = br#"{"format": "hpipe-model", "version": 1, "content": {}}"#;
    let cases = [
        (
            back(first).expect_err("old").to_string(),
            "it is of version 1; this hpipe reads version 2",
        ),
        (
            altered(r#"version\":2"#, r#"version\":3"#),
            "it is of version 3; this hpipe reads version 2",
        ),
        (
            altered("hpipe-model", "other-model"),
            "it says it is `other-model`",
        ),
        (
            altered("\"hpipe\"", "\"hpape\""),
            "it is a safetensors file without a model: no metadata `hpipe`",
        ),
        (
            altered("members/1/leaf", "members/1/loaf"),
            "tensor `members/1/leaf`: it is missing",
        ),
        (
            altered(r#"link\":\"exp"#, r#"link\":\"cos"#),
            "its description is not as expected: unknown variant `cos`, expected one of `exp`, \
             `logistic`, `signed_square` at line 1 column 151",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

/// The boosting alone with the tensor `name` replaced: where it lies is found by its bytes.
fn harmed(name: &str, bytes: &[u8]) -> String {
    let file = write(&(), &Learned::Trees(boosting())).expect("written");
    let length = u64::from_le_bytes(file[..8].try_into().expect("8 bytes")) as usize;
    let header: Value = serde_json::from_slice(&file[8..8 + length]).expect("JSON");
    let start = header[name]["data_offsets"][0].as_u64().expect("a place") as usize + 8 + length;
    let mut harmed = file;
    harmed[start..start + bytes.len()].copy_from_slice(bytes);
    back(&harmed).expect_err("refused").to_string()
}

#[test]
fn impossible_trees_are_refused() {
    let nan = &f64::NAN.to_le_bytes();
    let cases: [(&str, &[u8], &str); 8] = [
        (
            "node",
            &[1],
            "tensor `node`: split 0 is of node 1, which is no leaf",
        ),
        (
            "feature",
            &[9],
            "the model cannot predict: trees[0], node 0: feature 9 of 2",
        ),
        (
            "feature",
            &[0, 0, 0, 255],
            "tensor `feature`: split 0 is by feature 4278190080",
        ),
        ("flags", &[4], "tensor `flags`: split 0 has the flags 4"),
        (
            "flags",
            &[2],
            "tensor `set_length`: it has 0 numbers where 1 are needed",
        ),
        (
            "splits",
            &[255; 4],
            "tensor `node`: it has 2 numbers where 4294967295 are needed",
        ),
        (
            "leaf",
            nan,
            "the model cannot predict: trees[0], node 1: the leaf is NaN",
        ),
        (
            "threshold",
            nan,
            "the model cannot predict: trees[0], node 0: its threshold is NaN",
        ),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(harmed(name, bytes), expected);
    }
}

#[test]
fn what_could_not_be_read_is_not_written() {
    let refused = |model: &Learned| write(&(), model).expect_err("refused").to_string();
    let mut forest = forest();
    forest.features.pop();
    let stack = Learned::Stack(Stack {
        intercept: 0.0,
        weights: vec![1.0, 2.0],
        members: vec![
            Learned::Trees(boosting()),
            Learned::Linear {
                intercept: f64::INFINITY,
                coefficients: vec![0.0; 2],
            },
        ],
    });
    assert_eq!(
        refused(&Learned::Trees(forest)),
        "the model cannot predict: trees[0], node 1: feature 1 of 1"
    );
    assert_eq!(
        refused(&stack),
        "the model cannot predict: members/1/intercept: it is inf, not a finite number"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever bytes are changed: an error or a model that can predict, never a panic.
    #[test]
    fn damage_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = GOLDEN.to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok((_, model)) = back(&bytes) {
            let row = ndarray::Array2::zeros((1, model.n_features()));
            prop_assert_eq!(model.predict(row.view()).len(), 1);
        }
    }

    /// What is written is read to the last bit, and written again gives the same bytes.
    #[test]
    fn grown_trees_come_back(
        splits in prop::collection::vec((any::<prop::sample::Index>(), 0..3_usize, any::<f32>(), any::<[f64; 2]>()), 0..40),
        single in any::<bool>(),
    ) {
        let mut tree = Tree::leaf(0.5, 1.0);
        let mut leaves = vec![0];
        for (index, feature, number, values) in splits {
            let place = leaves.swap_remove(index.index(leaves.len()));
            let set = [u64::from(number.to_bits())];
            let values = values.map(|x| if x.is_finite() { x } else { 0.0 });
            let threshold = f64::from(if number.is_nan() { 0.0 } else { number });
            let rule = if feature == 2 { Rule::OneOf(&set) } else { Rule::Below(threshold) };
            leaves.extend(tree.split(place, (feature, rule), single, 1.0, values, [0.5, 0.25]));
        }
        let model = Learned::Trees(Ensemble {
            features: vec![FeatureKind::Numeric, FeatureKind::Numeric, FeatureKind::Categorical { levels: 32 }],
            precision: if single { Precision::Single } else { Precision::Double },
            base: 1.0,
            aggregation: Aggregation::Sum,
            trees: vec![tree.clone(), tree],
        });
        let bytes = write(&content(), &model).expect("written");
        let (words, again) = back(&bytes).expect("read");
        prop_assert_eq!(&again, &model);
        prop_assert_eq!(write(&words, &again).expect("written"), bytes);
    }
}
