//! Models as ONNX graphs, for onnxruntime and what builds on it.
//!
//! The graph has one input `features` (`n_rows × n_features`) and one output `prediction` (`n_rows × 1`). Trees that
//! compare `f32` alone take and give `float`; all else takes and gives `double`, so that a linear model loses nothing to
//! cancellation: `LinearRegressor` knows `float` only, hence `MatMul` and `Add`. The operators are those of opset 17 and
//! ai.onnx.ml 3, which every runtime since 2022 has.

mod graph;
mod protobuf;
mod trees;

use super::{Columns, Error};
use crate::learned::{Learned, Link, Stack};
use crate::tree::Precision;
use graph::{Attribute, Graph, Tensor, Type};

/// Writes any model as an ONNX model; the names of features, and the words of categories, are kept as metadata.
///
/// # Errors
/// [`Error::NoWords`] for leaves too large for `f32`, in which ONNX keeps them; [`Error::Invalid`].
pub fn to_bytes<'a>(learned: &Learned, columns: impl Into<Columns<'a>>) -> Result<Vec<u8>, Error> {
    learned.check()?;
    let columns = columns.into();
    columns.check(learned)?;
    let input = input_type(learned);
    let mut graph = Graph::new(input);
    let (sum, found) = put(&mut graph, learned)?;
    let sum = graph.cast(sum, found, input);
    let names = serde_json::to_string(columns.names).map_err(Error::Json)?;
    let mut metadata = vec![("hpipe.features", names)];
    metadata.extend(columns.words()?);
    Ok(graph.into_model(&sum, columns.names.len(), &metadata))
}

/// Whether the graph of a model takes and gives numbers of 64 bits, not of 32.
pub fn is_double(learned: &Learned) -> bool {
    input_type(learned) == Type::Double
}

/// What the whole graph takes and gives.
fn input_type(learned: &Learned) -> Type {
    match learned {
        Learned::Trees(ensemble) if ensemble.precision == Precision::Single => Type::Float,
        Learned::Linked(_, model) => input_type(model),
        Learned::Trees(_) | Learned::Linear { .. } | Learned::Stack(_) => Type::Double,
    }
}

/// Adds the nodes of a model; gives the name and type of its predictions.
fn put(graph: &mut Graph, learned: &Learned) -> Result<(String, Type), Error> {
    match learned {
        Learned::Linear {
            intercept,
            coefficients,
        } => {
            let input = graph.input_as(Type::Double);
            Ok((
                put_linear(graph, input, coefficients, *intercept),
                Type::Double,
            ))
        }
        Learned::Trees(ensemble) => trees::put(graph, ensemble),
        Learned::Linked(link, model) => {
            let (sum, found) = put(graph, model)?;
            Ok((put_link(graph, *link, sum), found))
        }
        Learned::Stack(stack) => put_stack(graph, stack),
    }
}

/// `input · coefficients + intercept`.
fn put_linear(graph: &mut Graph, input: String, coefficients: &[f64], intercept: f64) -> String {
    let shape = [coefficients.len(), 1];
    let coefficients = graph.constant(Tensor::doubles(coefficients, &shape));
    let intercept = graph.constant(Tensor::doubles(&[intercept], &[1]));
    let product = graph.node("MatMul", &[&input, &coefficients], Vec::new());
    graph.node("Add", &[&product, &intercept], Vec::new())
}

fn put_link(graph: &mut Graph, link: Link, sum: String) -> String {
    match link {
        Link::Exp => graph.node("Exp", &[&sum], Vec::new()),
        Link::Logistic => graph.node("Sigmoid", &[&sum], Vec::new()),
        Link::SignedSquare => {
            let size = graph.node("Abs", &[&sum], Vec::new());
            graph.node("Mul", &[&sum, &size], Vec::new())
        }
    }
}

/// The members' predictions side by side, then a linear model of them.
fn put_stack(graph: &mut Graph, stack: &Stack) -> Result<(String, Type), Error> {
    let mut predictions = Vec::new();
    for member in &stack.members {
        let (prediction, found) = put(graph, member)?;
        predictions.push(graph.cast(prediction, found, Type::Double));
    }
    let predictions: Vec<_> = predictions.iter().map(String::as_str).collect();
    let axis = vec![("axis", Attribute::Int(1))];
    let table = graph.node("Concat", &predictions, axis);
    Ok((
        put_linear(graph, table, &stack.weights, stack.intercept),
        Type::Double,
    ))
}
