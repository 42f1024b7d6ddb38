//! Models of LightGBM, as its text files hold them.
//!
//! LightGBM compares `f64` and sends `x <= threshold` left, which is `x <` the next number; what is missing depends on
//! the feature: nothing (NaN counts as 0), NaN, or zeros too. What is taken and what is refused: `docs/interchange.md`.

mod grow;
mod text;

use super::{Error, Imported};
use crate::learned::{Learned, Link};
use crate::tree::{Aggregation, Ensemble, FeatureKind, Precision};
use grow::Source;
use text::{Section, sections};

/// Reads a model that LightGBM saved as text (trees with one output).
///
/// # Errors
/// [`Error::Damaged`] and [`Error::Unsupported`], with the line.
pub fn from_text(bytes: &[u8]) -> Result<Imported, Error> {
    let (header, trees) = sections(bytes)?;
    if header.get("version").is_none() {
        let reason = "there is no `version`: it is no LightGBM model";
        return Err(header.damaged(reason));
    }
    if header.integer("num_tree_per_iteration")?.unwrap_or(1) != 1 {
        return Err(header.unsupported(
            "num_tree_per_iteration",
            "a model of several outputs; a model here has one",
        ));
    }
    let features = feature_names(&header)?;
    let (objective, link, scale) = objective(&header)?;
    let sources = trees
        .iter()
        .map(|section| Source::read(section, features.len()));
    let sources = sources.collect::<Result<Vec<_>, _>>()?;
    let learned = Learned::Trees(ensemble(&header, &sources, features.len(), scale)?);
    let learned = match link {
        None => learned,
        Some(link) => Learned::Linked(link, Box::new(learned)),
    };
    learned.check()?;
    Ok(Imported {
        learned,
        features: Some(features),
        objective,
    })
}

fn ensemble(
    header: &Section<'_>,
    sources: &[Source],
    n_features: usize,
    scale: f64,
) -> Result<Ensemble, Error> {
    let mut levels = vec![0_u32; n_features];
    for source in sources {
        source.count_levels(&mut levels)?;
    }
    let trees = sources.iter().map(|source| source.tree(scale));
    Ok(Ensemble {
        trees: trees.collect::<Result<_, _>>()?,
        features: levels.into_iter().map(kind).collect(),
        precision: Precision::Double,
        base: 0.0,
        aggregation: match header.get("average_output") {
            Some(_) => Aggregation::Mean,
            None => Aggregation::Sum,
        },
    })
}

fn kind(levels: u32) -> FeatureKind {
    match levels {
        0 => FeatureKind::Numeric,
        levels => FeatureKind::Categorical { levels },
    }
}

fn feature_names(header: &Section<'_>) -> Result<Vec<String>, Error> {
    let n_features = match header.integer("max_feature_idx")? {
        Some(last @ 0..=0x00ff_ffff) => last as usize + 1,
        Some(last) => return Err(header.damaged_at("max_feature_idx", format!("it is {last}"))),
        None => return Err(header.damaged("there is no `max_feature_idx`")),
    };
    let names: Vec<_> = header.words("feature_names").map(str::to_owned).collect();
    if names.len() != n_features {
        let reason = format!("{} names of {n_features} features", names.len());
        return Err(header.damaged_at("feature_names", reason));
    }
    Ok(names)
}

/// The objective, the function between sum and prediction, and a factor of the sum.
fn objective(header: &Section<'_>) -> Result<(String, Option<Link>, f64), Error> {
    let mut words = header.words("objective");
    // A model of an objective in Python has no such line, and predicts the sum.
    let name = words.next().unwrap_or("custom");
    let rest: Vec<_> = words.collect();
    let root = rest.contains(&"sqrt").then_some(Link::SignedSquare);
    let link = match name {
        "regression" => root,
        "custom" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" => None,
        "poisson" | "gamma" | "tweedie" => Some(Link::Exp),
        "binary" | "cross_entropy" => Some(Link::Logistic),
        other => {
            let reason = format!(
                "the objective `{other}`; known are regression, regression_l1, huber, fair, quantile, mape, poisson, \
                 gamma, tweedie, binary and cross_entropy"
            );
            return Err(header.unsupported("objective", reason));
        }
    };
    let slope = rest.iter().find_map(|word| word.strip_prefix("sigmoid:"));
    let scale = match slope.map(str::parse::<f64>) {
        None => 1.0,
        Some(Ok(slope)) if slope.is_finite() => slope,
        Some(_) => return Err(header.damaged_at("objective", "its `sigmoid` is no number")),
    };
    Ok((name.to_owned(), link, scale))
}
