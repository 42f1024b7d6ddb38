//! The model file: bytes of a fitted model with whatever its owner says about it, and back.
//!
//! The container is safetensors, so that Python opens a model with `safetensors.numpy` and a reader finds numbers as
//! they lie in memory, not as text; a forest of a million nodes is read in milliseconds. Bytes in, bytes out: where they
//! are kept is known elsewhere. The format is `docs/formats/model_file.md`. A file that is cut short, damaged or made to
//! harm gives an error that says what is wrong with it: everything is checked against the bytes there are.

mod tensors;
mod trees;

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::learned::{Invalid, Learned, Link, Stack};
use tensors::{TensorReader, TensorWriter};
use trees::TreeShape;

/// The word that says what the file is.
pub const FORMAT: &str = "hpipe-model";
/// The version of the format. The first was JSON text.
pub const VERSION: u32 = 2;
/// The metadata key of the container that holds our header.
const KEY: &str = "hpipe";

/// Why bytes are no model, or a model has no bytes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are no safetensors container, or one cut short.
    #[error("it is no safetensors file: {0}")]
    Container(#[source] safetensors::SafeTensorError),
    /// A container of something else.
    #[error("{0}")]
    NotAModel(String),
    /// A model file of another version.
    #[error("it is of version {found}; this hpipe reads version {VERSION}")]
    Version {
        /// The version of the file.
        found: u64,
    },
    /// What the owner says about the model cannot be read, or cannot be written.
    #[error("its description is not as expected: {0}")]
    Content(#[source] serde_json::Error),
    /// A tensor that the description promises is missing or does not fit.
    #[error("tensor `{name}`: {reason}")]
    Tensor {
        /// The name with its prefix.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The numbers are no model.
    #[error("the model cannot predict: {0}")]
    Invalid(#[from] Invalid),
}

/// What the metadata holds: the owner's words, and how the tensors are to be read.
#[derive(Serialize, Deserialize)]
struct Header<C> {
    format: String,
    version: u32,
    model: Shape,
    content: C,
}

/// What a header must have before anything else in it is looked at.
#[derive(Deserialize)]
struct Preamble {
    format: String,
    version: u64,
}

/// A model without its numbers.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Shape {
    Linear,
    Trees(TreeShape),
    Linked { link: Link, model: Box<Self> },
    Stack { members: Vec<Self> },
}

/// The bytes of a model and of what its owner says about it: equal models and words give equal bytes.
///
/// # Errors
/// [`Error::Invalid`] for a model that [`read`] would refuse, [`Error::Content`] when `content` has no JSON.
pub fn write(content: &impl Serialize, learned: &Learned) -> Result<Vec<u8>, Error> {
    learned.check()?;
    let mut tensors = TensorWriter::default();
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        model: put(&mut tensors, "", learned)?,
        content,
    };
    let header = serde_json::to_string(&header).map_err(Error::Content)?;
    // One key: the order of a map with several would differ from run to run.
    let metadata = HashMap::from([(KEY.to_owned(), header)]);
    tensors.into_bytes(metadata)
}

/// Reads what [`write()`] wrote: the same numbers to the last bit.
///
/// # Errors
/// All of [`Error`]; for damaged bytes too, never a panic and never more memory than a small multiple of their number.
pub fn read<C: DeserializeOwned>(bytes: &[u8]) -> Result<(C, Learned), Error> {
    let (_, metadata) =
        safetensors::SafeTensors::read_metadata(bytes).map_err(|error| not_ours(bytes, error))?;
    let words = metadata.metadata().as_ref();
    let Some(text) = words.and_then(|words| words.get(KEY)) else {
        let reason = format!("it is a safetensors file without a model: no metadata `{KEY}`");
        return Err(Error::NotAModel(reason));
    };
    let header: Header<C> = parse_header(text)?;
    let mut tensors = TensorReader::new(bytes)?;
    let learned = take(&mut tensors, "", header.model)?;
    tensors.finish()?;
    learned.check()?;
    Ok((header.content, learned))
}

/// A file of the first version is told from a broken one.
fn not_ours(bytes: &[u8], error: safetensors::SafeTensorError) -> Error {
    match serde_json::from_slice::<Preamble>(bytes) {
        Ok(Preamble { format, version }) if format == FORMAT => Error::Version { found: version },
        _ => Error::Container(error),
    }
}

fn parse_header<C: DeserializeOwned>(text: &str) -> Result<Header<C>, Error> {
    let Preamble { format, version } = serde_json::from_str(text).map_err(Error::Content)?;
    if format != FORMAT {
        return Err(Error::NotAModel(format!("it says it is `{format}`")));
    }
    if version != u64::from(VERSION) {
        return Err(Error::Version { found: version });
    }
    serde_json::from_str(text).map_err(Error::Content)
}

/// Puts the numbers of a model under names that begin with `prefix`.
fn put(tensors: &mut TensorWriter, prefix: &str, learned: &Learned) -> Result<Shape, Error> {
    Ok(match learned {
        Learned::Linear {
            intercept,
            coefficients,
        } => {
            tensors.put(prefix, "intercept", &[*intercept]);
            tensors.put(prefix, "coefficients", coefficients);
            Shape::Linear
        }
        Learned::Trees(ensemble) => Shape::Trees(trees::put(tensors, prefix, ensemble)?),
        Learned::Linked(link, model) => Shape::Linked {
            link: *link,
            model: Box::new(put(tensors, prefix, model)?),
        },
        Learned::Stack(stack) => {
            tensors.put(prefix, "intercept", &[stack.intercept]);
            tensors.put(prefix, "weights", &stack.weights);
            let members = stack.members.iter().enumerate();
            let members =
                members.map(|(index, member)| put(tensors, &member_prefix(prefix, index), member));
            Shape::Stack {
                members: members.collect::<Result<_, _>>()?,
            }
        }
    })
}

fn take(tensors: &mut TensorReader<'_>, prefix: &str, shape: Shape) -> Result<Learned, Error> {
    Ok(match shape {
        Shape::Linear => Learned::Linear {
            intercept: tensors.one(prefix, "intercept")?,
            coefficients: tensors.take(prefix, "coefficients")?,
        },
        Shape::Trees(shape) => Learned::Trees(trees::take(tensors, prefix, shape)?),
        Shape::Linked { link, model } => {
            Learned::Linked(link, Box::new(take(tensors, prefix, *model)?))
        }
        Shape::Stack { members } => {
            let members = members.into_iter().enumerate();
            let members =
                members.map(|(index, member)| take(tensors, &member_prefix(prefix, index), member));
            Learned::Stack(Stack {
                members: members.collect::<Result<_, _>>()?,
                intercept: tensors.one(prefix, "intercept")?,
                weights: tensors.take(prefix, "weights")?,
            })
        }
    })
}

fn member_prefix(prefix: &str, index: usize) -> String {
    format!("{prefix}members/{index}/")
}
