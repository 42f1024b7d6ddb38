//! Every call of MLflow's REST API that we carry out: its path, its methods, what it does.
//!
//! A call takes the fields of a request and a view of the records, and gives JSON; those that change something get a
//! [`Change`], all of which happens or nothing. They know nothing of HTTP.

mod experiments;
mod files;
mod logged_models;
mod metrics;
mod registry;
mod runs;

use hpipe_track::LedgerError;
use hpipe_track::ledger::{Change, Ledger, Records};

use crate::answers::Answer;
use crate::fields::Fields;

/// What a call does.
#[derive(Clone, Copy)]
pub(crate) enum Call {
    /// It reads.
    Read(fn(&Records<'_>, &Fields<'_>) -> Answer),
    /// It changes something.
    Write(fn(&Change<'_>, &Fields<'_>) -> Answer),
    /// It logs values of a run, of which there are many: the disk has them a second after the answer.
    Log(fn(&Change<'_>, &Fields<'_>) -> Answer),
    /// It looks and measures before it changes something.
    Whole(fn(&Ledger, &Fields<'_>) -> Answer),
}

/// A call, and how it is asked for.
pub(crate) struct Route {
    /// `GET`, `POST`, `PATCH`, `DELETE`, separated by spaces.
    pub(crate) methods: &'static str,
    /// What follows `/api/2.0/mlflow`.
    pub(crate) path: &'static str,
    pub(crate) call: Call,
}

const fn read(
    methods: &'static str,
    path: &'static str,
    call: fn(&Records<'_>, &Fields<'_>) -> Answer,
) -> Route {
    Route {
        methods,
        path,
        call: Call::Read(call),
    }
}

const fn write(
    methods: &'static str,
    path: &'static str,
    call: fn(&Change<'_>, &Fields<'_>) -> Answer,
) -> Route {
    Route {
        methods,
        path,
        call: Call::Write(call),
    }
}

const fn log(path: &'static str, call: fn(&Change<'_>, &Fields<'_>) -> Answer) -> Route {
    Route {
        methods: "POST",
        path,
        call: Call::Log(call),
    }
}

const fn whole(
    methods: &'static str,
    path: &'static str,
    call: fn(&Ledger, &Fields<'_>) -> Answer,
) -> Route {
    Route {
        methods,
        path,
        call: Call::Whole(call),
    }
}

/// All of them.
pub(crate) const ROUTES: &[Route] = &[
    write("POST", "/experiments/create", experiments::create),
    read("GET POST", "/experiments/search", experiments::search),
    read("GET", "/experiments/list", experiments::search),
    read("GET", "/experiments/get", experiments::get),
    read("GET", "/experiments/get-by-name", experiments::get_by_name),
    write("POST", "/experiments/delete", experiments::delete),
    write("POST", "/experiments/restore", experiments::restore),
    write("POST", "/experiments/update", experiments::update),
    write(
        "POST",
        "/experiments/set-experiment-tag",
        experiments::set_tag,
    ),
    write(
        "POST",
        "/experiments/delete-experiment-tag",
        experiments::delete_tag,
    ),
    read(
        "POST",
        "/experiments/search-datasets",
        experiments::search_datasets,
    ),
    write("POST", "/runs/create", runs::create),
    write("POST", "/runs/update", runs::update),
    write("POST", "/runs/delete", runs::delete),
    write("POST", "/runs/restore", runs::restore),
    read("GET", "/runs/get", runs::get),
    read("POST", "/runs/search", runs::search),
    log("/runs/log-metric", metrics::log_metric),
    log("/runs/log-parameter", metrics::log_param),
    log("/runs/log-batch", metrics::log_batch),
    log("/runs/set-tag", runs::set_tag),
    write("POST", "/runs/delete-tag", runs::delete_tag),
    write("POST", "/runs/log-model", runs::log_model),
    write("POST", "/runs/log-inputs", runs::log_inputs),
    write("POST", "/runs/outputs", runs::log_outputs),
    read("GET", "/metrics/get-history", metrics::history),
    read("GET", "/metrics/get-history-bulk", metrics::history_bulk),
    read(
        "GET",
        "/metrics/get-history-bulk-interval",
        metrics::history_interval,
    ),
    read("GET", "/artifacts/list", files::of_run),
    write("POST", "/logged-models", logged_models::create),
    read("POST", "/logged-models/search", logged_models::search),
    read("GET", "/logged-models/{model_id}", logged_models::get),
    write(
        "PATCH",
        "/logged-models/{model_id}",
        logged_models::finalize,
    ),
    write("DELETE", "/logged-models/{model_id}", logged_models::delete),
    write(
        "PATCH",
        "/logged-models/{model_id}/tags",
        logged_models::set_tags,
    ),
    write(
        "DELETE",
        "/logged-models/{model_id}/tags/{tag_key}",
        logged_models::delete_tag,
    ),
    write(
        "POST",
        "/logged-models/{model_id}/params",
        logged_models::log_params,
    ),
    read(
        "GET",
        "/logged-models/{model_id}/artifacts/directories",
        files::of_model,
    ),
    write("POST", "/registered-models/create", registry::create),
    write("POST", "/registered-models/rename", registry::rename),
    write("PATCH", "/registered-models/update", registry::update),
    write("DELETE", "/registered-models/delete", registry::delete),
    read("GET", "/registered-models/get", registry::get),
    read("GET", "/registered-models/search", registry::search),
    read(
        "GET POST",
        "/registered-models/get-latest-versions",
        registry::latest_versions,
    ),
    write("POST", "/registered-models/set-tag", registry::set_tag),
    write(
        "DELETE",
        "/registered-models/delete-tag",
        registry::delete_tag,
    ),
    write("POST", "/registered-models/alias", registry::set_alias),
    write("DELETE", "/registered-models/alias", registry::delete_alias),
    read("GET", "/registered-models/alias", registry::get_by_alias),
    write("POST", "/model-versions/create", registry::create_version),
    write("PATCH", "/model-versions/update", registry::update_version),
    whole(
        "POST",
        "/model-versions/transition-stage",
        registry::transition,
    ),
    write("DELETE", "/model-versions/delete", registry::delete_version),
    read("GET", "/model-versions/get", registry::get_version),
    read("GET", "/model-versions/search", registry::search_versions),
    read(
        "GET",
        "/model-versions/get-download-uri",
        registry::download_uri,
    ),
    write("POST", "/model-versions/set-tag", registry::set_version_tag),
    write(
        "DELETE",
        "/model-versions/delete-tag",
        registry::delete_version_tag,
    ),
];

/// The number of an experiment, written as a text.
fn experiment_number(text: &str) -> Result<i64, LedgerError> {
    text.parse().map_err(|_| {
        LedgerError::invalid(format!(
            "Invalid experiment ID '{text}'. Experiment ID must be a valid integer."
        ))
    })
}

/// The experiment a request is about.
fn experiment_id(fields: &Fields<'_>) -> Result<i64, LedgerError> {
    experiment_number(fields.required("experiment_id")?)
}

/// The experiments to look in.
fn experiment_ids(fields: &Fields<'_>) -> Result<Vec<i64>, LedgerError> {
    let texts = fields.texts("experiment_ids")?;
    texts.iter().map(|text| experiment_number(text)).collect()
}
