//! Models at work: the transform and the model of a version as one path, the same code as in training.
//!
//! Behind the port [`hpipe_core::Predictor`], for whoever serves, scores files or watches. Nothing is learned here and nothing
//! is approximated: a row alone becomes, bit for bit, what it becomes among others.

use std::sync::Arc;

use hpipe_core::{
    Input, ModelCard, ModelFiles, ModelLoader, PredictionFault, Predictor, Profile, Table, Type,
};

use hpipe_learn::ready::Ready;

use crate::artifact;
use crate::error::Error;
use crate::model::Model;
use crate::profile::Content;
use crate::schema::{Feature, Gaps, Schema};
use crate::transform::{Category, CategoryFiller, Filler, Numeric, Transform, Unseen};

/// Loads models that the stages of this crate wrote.
pub struct Loader;

impl ModelLoader for Loader {
    fn load(&self, files: ModelFiles<'_>) -> Result<Arc<dyn Predictor>, String> {
        let loaded = Loaded::new(files).map_err(|error| error.to_string())?;
        Ok(Arc::new(loaded))
    }
}

/// A model with all it needs.
struct Loaded {
    features: Schema,
    gaps: Gaps,
    model: Ready,
    transform: Option<Transform>,
    profile: Option<Profile>,
    card: ModelCard,
}

impl Loaded {
    fn new(files: ModelFiles<'_>) -> Result<Self, Error> {
        let model = Model::parse(files.model, "the model")?;
        let transform = files.transform;
        let transform = transform.map(|bytes| artifact::parse::<Transform>(bytes, "the transform"));
        let transform = transform.transpose()?;
        let profile = files.profile;
        let profile = profile.map(|bytes| artifact::parse::<Content>(bytes, "the profile"));
        let profile = profile.transpose()?.map(Profile::from);
        let card = card(&model, transform.as_ref(), profile.as_ref());
        let loaded = Self {
            gaps: model.gaps(),
            model: Ready::new(&model.learned),
            features: model.card.features,
            transform,
            profile,
            card,
        };
        loaded.check_fit()?;
        Ok(loaded)
    }

    /// That the transform makes what the model takes: found out with a table of no rows.
    fn check_fit(&self) -> Result<(), Error> {
        let columns = self.card.inputs.iter().map(Input::no_values);
        let none = Table::new(columns.collect())?;
        let target = &self.card.target;
        let of = self.transform.as_ref().map(|transform| &transform.target);
        if of.is_some_and(|of| of != target) {
            let reason = "the model predicts another column".to_owned();
            let [one, other] = ["the transform", "the model"].map(str::to_owned);
            return Err(Error::Mismatch(one, other, reason));
        }
        self.apply(&none).map(drop)
    }

    fn apply(&self, rows: &Table) -> Result<Vec<f64>, Error> {
        let features = match &self.transform {
            Some(transform) => &transform.apply(rows)?.features,
            None => rows,
        };
        let records = self.features.records(features, self.gaps)?;
        Ok(self.model.predict(records.view()))
    }
}

impl Predictor for Loaded {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    fn predict(&self, rows: &Table) -> Result<Vec<f64>, PredictionFault> {
        self.apply(rows).map_err(PredictionFault::from)
    }
}

impl From<Error> for PredictionFault {
    fn from(error: Error) -> Self {
        let (column, row) = match &error {
            Error::MissingValue { column, row }
            | Error::NotFinite { column, row, .. }
            | Error::Undefined { column, row }
            | Error::UnseenCategory { column, row, .. } => (Some(column.clone()), Some(row - 1)),
            Error::MissingColumn { column, .. } | Error::WrongType { column, .. } => {
                (Some(column.clone()), None)
            }
            _ => (None, None),
        };
        let help = match &error {
            Error::MissingColumn { help, .. } => help.clone(),
            _ => String::new(),
        };
        Self {
            message: error.to_string(),
            help,
            column,
            row,
        }
    }
}

fn card(model: &Model, transform: Option<&Transform>, profile: Option<&Profile>) -> ModelCard {
    let gaps = model.gaps();
    let mut inputs: Vec<Input> = match transform {
        Some(transform) => {
            let numeric = transform
                .numeric
                .iter()
                .map(|numeric| number(numeric, gaps));
            let words = transform
                .categories
                .iter()
                .map(|category| words(category, gaps));
            numeric.chain(words).collect()
        }
        None => {
            let features = model.card.features.features().iter();
            features.map(|feature| column(feature, gaps)).collect()
        }
    };
    for input in &mut inputs {
        let known =
            profile.and_then(|profile| profile.inputs.iter().find(|of| of.name == input.name));
        if let Some(known) = known {
            input.kind = known.kind;
            input.range = known.range;
        }
    }
    ModelCard {
        kind: model.card.kind.name().to_owned(),
        target: model.card.target.clone(),
        inputs,
        features: model.card.features.names(),
    }
}

/// A numeric column of a transform. What stays missing is missing for the model, too.
fn number(numeric: &Numeric, gaps: Gaps) -> Input {
    let nullable = match numeric.impute {
        Some(Filler::Constant(_)) => true,
        Some(Filler::Keep) => gaps == Gaps::Allowed,
        None => false,
    };
    input(&numeric.column, Type::Number, nullable)
}

/// A column of categories of a transform.
fn words(category: &Category, gaps: Gaps) -> Input {
    let nullable = match category.impute {
        Some(CategoryFiller::Constant(_)) => true,
        Some(CategoryFiller::Keep) => category.fills_gaps() || gaps == Gaps::Allowed,
        None => false,
    };
    Input {
        categories: category.categories.clone(),
        refuses_unseen: category.unseen == Unseen::Error,
        ..input(&category.column, Type::Text, nullable)
    }
}

/// A column that the model takes as it is.
fn column(feature: &Feature, gaps: Gaps) -> Input {
    let kind = match feature.levels {
        Some(_) => Type::Text,
        None => Type::Number,
    };
    Input {
        categories: feature.levels.clone().unwrap_or_default(),
        ..input(&feature.name, kind, gaps == Gaps::Allowed)
    }
}

fn input(name: &str, kind: Type, nullable: bool) -> Input {
    Input {
        name: name.to_owned(),
        kind,
        nullable,
        range: None,
        categories: Vec::new(),
        refuses_unseen: false,
    }
}
