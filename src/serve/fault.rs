//! What a client is told when something is wrong with its request: FastAPI's `detail`, in pydantic's words.

use std::borrow::Cow;

use hyper::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

/// Details told of one request; the others are counted.
pub(crate) const MOST_DETAILS: usize = 100;

/// A step on the way to what is wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Loc {
    Word(Cow<'static, str>),
    Row(usize),
}

/// One thing that is wrong, or odd.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Detail {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) loc: Vec<Loc>,
    pub(crate) msg: String,
    pub(crate) input: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ctx: Option<Value>,
}

/// Several of them; of very many, the first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Details {
    pub(crate) first: Vec<Detail>,
    pub(crate) count: usize,
}

impl Details {
    /// Adds one; it is made only if it will be told.
    pub(crate) fn add(&mut self, detail: impl FnOnce() -> Detail) {
        self.count += 1;
        if self.first.len() < MOST_DETAILS {
            self.first.push(detail());
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Why a request was not answered as asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    pub(crate) status: StatusCode,
    pub(crate) details: Details,
}

impl Fault {
    /// One thing is wrong with the request as a whole.
    pub(crate) fn new(status: StatusCode, kind: &'static str, msg: impl Into<String>) -> Self {
        Self::at(status, kind, msg, "body")
    }

    /// One thing is wrong with this part of the request.
    pub(crate) fn at(
        status: StatusCode,
        kind: &'static str,
        msg: impl Into<String>,
        part: &'static str,
    ) -> Self {
        let detail = Detail {
            kind,
            loc: vec![Loc::Word(part.into())],
            msg: msg.into(),
            input: Value::Null,
            ctx: None,
        };
        Self {
            status,
            details: Details {
                first: vec![detail],
                count: 1,
            },
        }
    }

    /// The rows are not what the model takes.
    pub(crate) const fn unprocessable(details: Details) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            details,
        }
    }

    /// One thing is wrong with the body.
    pub(crate) fn body(kind: &'static str, msg: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, kind, msg)
    }

    /// Our own fault.
    pub(crate) fn bug() -> Self {
        Self::at(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "error[E107]: this is a bug in hpipe; the server goes on",
            "server",
        )
    }

    /// The body of the answer.
    pub(crate) fn to_json(&self) -> Value {
        let mut body = json!({"detail": self.details.first});
        if self.details.count > self.details.first.len() {
            body["count"] = Value::from(self.details.count);
        }
        body
    }
}
