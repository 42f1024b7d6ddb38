//! Named vectors of numbers in a safetensors container, all one-dimensional and little-endian.
//!
//! The crate orders tensors by type and name, so equal tensors give equal bytes. The reader counts what is asked for: a
//! tensor that nobody asks for is a damaged name or a file of somebody else.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, View};

use super::Error;

/// A number as it lies in a tensor.
pub(super) trait Number: Copy {
    const DTYPE: Dtype;
    const BYTES: usize;
    fn put(self, bytes: &mut Vec<u8>);
    /// From exactly [`BYTES`](Self::BYTES) bytes.
    fn take(bytes: &[u8]) -> Self;
}

macro_rules! number {
    ($($type:ty: $dtype:ident),*) => {$(
        impl Number for $type {
            const DTYPE: Dtype = Dtype::$dtype;
            const BYTES: usize = size_of::<Self>();
            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }
            fn take(bytes: &[u8]) -> Self {
                let mut array = [0; size_of::<Self>()];
                array.copy_from_slice(bytes);
                Self::from_le_bytes(array)
            }
        }
    )*};
}

number!(u8: U8, u32: U32, u64: U64, f32: F32, f64: F64);

/// Tensors on their way into a file.
#[derive(Default)]
pub(super) struct TensorWriter {
    tensors: BTreeMap<String, Tensor>,
}

struct Tensor {
    dtype: Dtype,
    shape: [usize; 1],
    bytes: Vec<u8>,
}

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        (&self.bytes).into()
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

impl TensorWriter {
    /// Adds a tensor.
    pub(super) fn put<N: Number>(&mut self, prefix: &str, name: &str, numbers: &[N]) {
        let mut bytes = Vec::with_capacity(numbers.len() * N::BYTES);
        for number in numbers {
            number.put(&mut bytes);
        }
        let tensor = Tensor {
            dtype: N::DTYPE,
            shape: [numbers.len()],
            bytes,
        };
        self.tensors.insert(format!("{prefix}{name}"), tensor);
    }

    /// The whole file.
    pub(super) fn into_bytes(self, metadata: HashMap<String, String>) -> Result<Vec<u8>, Error> {
        safetensors::serialize(&self.tensors, Some(metadata)).map_err(Error::Container)
    }
}

/// Tensors on their way out of a file.
pub(super) struct TensorReader<'a> {
    tensors: SafeTensors<'a>,
    taken: BTreeSet<String>,
}

impl<'a> TensorReader<'a> {
    /// The tensors of a file; their types, shapes and places agree with the bytes.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        let tensors = SafeTensors::deserialize(bytes).map_err(Error::Container)?;
        let taken = BTreeSet::new();
        Ok(Self { tensors, taken })
    }

    /// A tensor of any length.
    pub(super) fn take<N: Number>(&mut self, prefix: &str, name: &str) -> Result<Vec<N>, Error> {
        let name = format!("{prefix}{name}");
        let view = self.view(&name)?;
        if view.dtype() != N::DTYPE {
            let reason = format!("it is of type {}, not {}", view.dtype(), N::DTYPE);
            return Err(Error::Tensor { name, reason });
        }
        let numbers = view.data().chunks_exact(N::BYTES).map(N::take).collect();
        self.taken.insert(name);
        Ok(numbers)
    }

    /// A tensor of one of two types.
    pub(super) fn either(&mut self, prefix: &str, name: &str) -> Result<Vec<f64>, Error> {
        if self.view(&format!("{prefix}{name}"))?.dtype() != Dtype::F32 {
            return self.take(prefix, name);
        }
        let numbers: Vec<f32> = self.take(prefix, name)?;
        Ok(numbers.into_iter().map(f64::from).collect())
    }

    /// A tensor of one number.
    pub(super) fn one<N: Number>(&mut self, prefix: &str, name: &str) -> Result<N, Error> {
        match self.take(prefix, name)?[..] {
            [number] => Ok(number),
            ref numbers => Err(Error::Tensor {
                name: format!("{prefix}{name}"),
                reason: format!("it has {} numbers, not one", numbers.len()),
            }),
        }
    }

    /// Checks that every tensor was asked for.
    pub(super) fn finish(self) -> Result<(), Error> {
        let mut names = self.tensors.names();
        names.sort_unstable();
        match names.into_iter().find(|name| !self.taken.contains(*name)) {
            None => Ok(()),
            Some(name) => Err(Error::Tensor {
                name: name.to_owned(),
                reason: "no part of the model is called so".to_owned(),
            }),
        }
    }

    fn view(&self, name: &str) -> Result<TensorView<'a>, Error> {
        let view = self.tensors.tensor(name).map_err(|_| Error::Tensor {
            name: name.to_owned(),
            reason: "it is missing".to_owned(),
        })?;
        match view.shape() {
            [_] => Ok(view),
            shape => Err(Error::Tensor {
                name: name.to_owned(),
                reason: format!("it has {} dimensions, not one", shape.len()),
            }),
        }
    }
}
