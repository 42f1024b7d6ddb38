//! What a client is told when something is wrong: MLflow's error codes, with their statuses.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hpipe_core::{Code, with_causes};
use hpipe_track::LedgerError;
use hpipe_track::ledger::Refusal;
use serde_json::json;

/// MLflow's codes, as far as we use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    InvalidParameterValue,
    ResourceDoesNotExist,
    ResourceAlreadyExists,
    EndpointNotFound,
    InvalidState,
    /// Not tried again by MLflow's client, as statuses from 500 on are.
    ResourceConflict,
    InternalError,
    NotImplemented,
}

/// Why a request was not carried out.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl ErrorCode {
    const fn name(self) -> &'static str {
        match self {
            Self::InvalidParameterValue => "INVALID_PARAMETER_VALUE",
            Self::ResourceDoesNotExist => "RESOURCE_DOES_NOT_EXIST",
            Self::ResourceAlreadyExists => "RESOURCE_ALREADY_EXISTS",
            Self::EndpointNotFound => "ENDPOINT_NOT_FOUND",
            Self::InvalidState => "INVALID_STATE",
            Self::ResourceConflict => "RESOURCE_CONFLICT",
            Self::InternalError => "INTERNAL_ERROR",
            Self::NotImplemented => "NOT_IMPLEMENTED",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::InvalidParameterValue | Self::ResourceAlreadyExists => StatusCode::BAD_REQUEST,
            Self::ResourceDoesNotExist | Self::EndpointNotFound => StatusCode::NOT_FOUND,
            Self::ResourceConflict => StatusCode::CONFLICT,
            Self::InvalidState | Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
        }
    }
}

impl Fault {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidParameterValue, message)
    }

    /// A thread that should have answered is gone.
    pub(crate) fn lost() -> Self {
        Self::new(
            ErrorCode::InternalError,
            format!("error[{}]: this is a bug in hpipe", Code::Bug.text()),
        )
    }
}

impl Fault {
    /// Whether the machine is to blame, so that whoever runs the server should know.
    pub(crate) fn is_ours(&self) -> bool {
        self.code == ErrorCode::InternalError
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        let code = match error.refusal() {
            Some(Refusal::Missing) => ErrorCode::ResourceDoesNotExist,
            Some(Refusal::Exists) => ErrorCode::ResourceAlreadyExists,
            Some(Refusal::Invalid) => ErrorCode::InvalidParameterValue,
            Some(Refusal::State) => ErrorCode::InvalidState,
            Some(Refusal::Conflict) => ErrorCode::ResourceConflict,
            None => {
                let code = error.code().text();
                let message = format!("error[{code}]: failed to {}", with_causes(&error));
                return Self::new(ErrorCode::InternalError, message);
            }
        };
        Self::new(code, error.to_string())
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let body = json!({"error_code": self.code.name(), "message": self.message});
        json_response(self.code.status(), body.to_string())
    }
}

/// A response of JSON.
pub(crate) fn json_response(status: StatusCode, body: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status, kind, Body::from(body)).into_response()
}
