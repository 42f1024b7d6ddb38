//! An ONNX graph under construction: nodes, constants, and the model around them.
//!
//! Field numbers are those of `onnx.proto` (ONNX 1.12, IR version 8); each stands beside the name it has there.

use super::protobuf::Message;

const IR_VERSION: i64 = 8;
const OPSET: i64 = 17;
/// The operators of classical machine learning.
const ML: &str = "ai.onnx.ml";
const ML_OPSET: i64 = 3;
const INPUT: &str = "features";
const OUTPUT: &str = "prediction";

/// Types of numbers, with their numbers in ONNX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Float = 1,
    Double = 11,
}

/// A constant.
pub(super) struct Tensor {
    element: Type,
    shape: Vec<i64>,
    bytes: Vec<u8>,
}

/// A constant of a node.
pub(super) enum Attribute {
    Int(i64),
    Text(&'static str),
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    Texts(Vec<&'static str>),
    Tensor(Tensor),
}

/// Nodes in the order in which they compute.
pub(super) struct Graph {
    input: Type,
    nodes: Vec<Message>,
    constants: Vec<Message>,
}

impl Tensor {
    /// Numbers of 64 bits.
    pub(super) fn doubles(numbers: &[f64], shape: &[usize]) -> Self {
        Self {
            element: Type::Double,
            shape: shape.iter().map(|size| *size as i64).collect(),
            bytes: numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }

    fn message(&self, name: &str) -> Message {
        Message::default()
            .ints(1, &self.shape) // dims
            .int(2, self.element as i64) // data_type
            .text(8, name) // name
            .raw(9, &self.bytes) // raw_data
    }
}

impl Attribute {
    fn message(&self, name: &str) -> Message {
        let message = Message::default().text(1, name); // name
        // the last of each: type
        match self {
            Self::Int(value) => message.int(3, *value).int(20, 2),
            Self::Text(text) => message.text(4, text).int(20, 3),
            Self::Tensor(tensor) => message.message(5, &tensor.message(name)).int(20, 4),
            Self::Floats(values) => message.floats(7, values).int(20, 6),
            Self::Ints(values) => message.ints(8, values).int(20, 7),
            Self::Texts(texts) => {
                let put = |message: Message, text: &&str| message.text(9, text);
                texts.iter().fold(message, put).int(20, 8)
            }
        }
    }
}

impl Graph {
    /// A graph without nodes.
    pub(super) fn new(input: Type) -> Self {
        let (nodes, constants) = (Vec::new(), Vec::new());
        Self {
            input,
            nodes,
            constants,
        }
    }

    /// The rows, as numbers of a type.
    pub(super) fn input_as(&mut self, wanted: Type) -> String {
        self.cast(INPUT.to_owned(), self.input, wanted)
    }

    /// The numbers under `name` as another type, if they are not of it.
    pub(super) fn cast(&mut self, name: String, found: Type, wanted: Type) -> String {
        if found == wanted {
            return name;
        }
        let to = vec![("to", Attribute::Int(wanted as i64))];
        self.node("Cast", &[&name], to)
    }

    /// Adds a constant; gives its name.
    pub(super) fn constant(&mut self, tensor: Tensor) -> String {
        let name = format!("constant_{}", self.constants.len());
        self.constants.push(tensor.message(&name));
        name
    }

    /// Adds a node; gives the name of what it computes.
    pub(super) fn node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: Vec<(&str, Attribute)>,
    ) -> String {
        self.node_of("", operator, inputs, attributes)
    }

    /// Adds a node of classical machine learning.
    pub(super) fn ml_node(
        &mut self,
        operator: &str,
        input: &str,
        attributes: Vec<(&str, Attribute)>,
    ) -> String {
        self.node_of(ML, operator, &[input], attributes)
    }

    fn node_of(
        &mut self,
        domain: &str,
        operator: &str,
        inputs: &[&str],
        attributes: Vec<(&str, Attribute)>,
    ) -> String {
        let name = format!("{}_{}", operator.to_lowercase(), self.nodes.len());
        let node = inputs.iter().fold(Message::default(), |m, x| m.text(1, x)); // input
        let node = node.text(2, &name).text(3, &name).text(4, operator); // output, name, op_type
        let put = |node: Message, (name, attribute): &(&str, Attribute)| {
            node.message(5, &attribute.message(name)) // attribute
        };
        let node = attributes.iter().fold(node, put);
        self.nodes.push(node.text(7, domain)); // domain
        name
    }

    /// The whole model, whose prediction is what is called `result`.
    pub(super) fn into_model(
        mut self,
        result: &str,
        n_features: usize,
        metadata: &[(&str, String)],
    ) -> Vec<u8> {
        let last = Message::default()
            .text(1, result)
            .text(2, OUTPUT)
            .text(4, "Identity");
        self.nodes.push(last);
        let graph = Message::default()
            .messages(1, &self.nodes) // node
            .text(2, "hpipe") // name
            .messages(5, &self.constants) // initializer
            .message(11, &table(INPUT, self.input, n_features)) // input
            .message(12, &table(OUTPUT, self.input, 1)); // output
        let opset = |domain, version| Message::default().text(1, domain).int(2, version);
        let entry = |(key, value): &(&str, String)| Message::default().text(1, key).text(2, value);
        let entries: Vec<_> = metadata.iter().map(entry).collect();
        Message::default()
            .int(1, IR_VERSION) // ir_version
            .text(2, "hpipe") // producer_name
            .message(7, &graph) // graph
            .message(8, &opset("", OPSET)) // opset_import
            .message(8, &opset(ML, ML_OPSET))
            .messages(14, &entries) // metadata_props
            .into_bytes()
    }
}

/// What is known of the input or the output: any number of rows of `n_columns` numbers.
fn table(name: &str, element: Type, n_columns: usize) -> Message {
    let rows = Message::default().text(2, "n_rows"); // dim_param
    let columns = Message::default().int(1, n_columns as i64); // dim_value
    let shape = Message::default().messages(1, &[rows, columns]); // dim
    let tensor = Message::default().int(1, element as i64).message(2, &shape); // elem_type, shape
    let kind = Message::default().message(1, &tensor); // tensor_type
    Message::default().text(1, name).message(2, &kind) // name, type
}
