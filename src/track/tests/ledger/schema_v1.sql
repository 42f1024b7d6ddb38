-- The first schema of models/track.db; docs/formats/track_db.md explains it. Never edited: a change is a further migration.

CREATE TABLE experiments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    artifact_location TEXT NOT NULL,
    is_deleted INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;

CREATE TABLE experiment_tags (
    experiment INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (experiment, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    experiment INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    user TEXT NOT NULL,
    status TEXT NOT NULL,
    start_time INTEGER,
    end_time INTEGER,
    artifact_uri TEXT NOT NULL,
    is_deleted INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER
) STRICT;
CREATE INDEX runs_by_start ON runs (experiment, is_deleted, start_time DESC, id);

CREATE TABLE run_params (
    run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_tags (
    run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

-- Every value ever logged; equal rows are one. NaN is the value 0 with `is_nan`, for SQLite keeps no NaN.
CREATE TABLE metric_history (
    run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
    key TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    step INTEGER NOT NULL,
    value REAL NOT NULL,
    is_nan INTEGER NOT NULL,
    PRIMARY KEY (run, key, timestamp, step, value, is_nan)
) STRICT, WITHOUT ROWID;

-- Of each metric of a run the greatest by step, timestamp, value.
CREATE TABLE latest_metrics (
    run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
    key TEXT NOT NULL,
    step INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    value REAL NOT NULL,
    is_nan INTEGER NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE datasets (
    id INTEGER PRIMARY KEY,
    experiment INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source TEXT NOT NULL,
    schema TEXT,
    profile TEXT,
    UNIQUE (experiment, name, digest)
) STRICT;

CREATE TABLE run_datasets (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
    dataset INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    UNIQUE (run, dataset)
) STRICT;

CREATE TABLE run_dataset_tags (
    input INTEGER NOT NULL REFERENCES run_datasets (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (input, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE logged_models (
    id TEXT PRIMARY KEY,
    experiment INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    artifact_location TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    status TEXT NOT NULL,
    status_message TEXT,
    model_type TEXT,
    source_run TEXT,
    is_deleted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX logged_models_by_time ON logged_models (experiment, is_deleted, created DESC);

CREATE TABLE logged_model_params (
    model TEXT NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE logged_model_tags (
    model TEXT NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE logged_model_metrics (
    model TEXT NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    step INTEGER NOT NULL,
    run TEXT NOT NULL,
    value REAL NOT NULL,
    is_nan INTEGER NOT NULL,
    dataset_name TEXT,
    dataset_digest TEXT,
    PRIMARY KEY (model, key, timestamp, step, run)
) STRICT, WITHOUT ROWID;

-- Models that a run read (`step` is null) or made.
CREATE TABLE run_models (
    run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
    is_output INTEGER NOT NULL,
    model TEXT NOT NULL,
    step INTEGER,
    PRIMARY KEY (run, is_output, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE registered_models (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    description TEXT,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;

CREATE TABLE registered_model_tags (
    model INTEGER NOT NULL REFERENCES registered_models (number) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, key)
) STRICT, WITHOUT ROWID;

-- A version that was deleted stays, without its content, so that its number is not given again.
CREATE TABLE model_versions (
    number INTEGER PRIMARY KEY,
    model INTEGER NOT NULL REFERENCES registered_models (number) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    description TEXT,
    user TEXT,
    stage TEXT NOT NULL,
    source TEXT NOT NULL,
    storage_location TEXT NOT NULL,
    run TEXT,
    run_link TEXT,
    logged_model TEXT,
    status TEXT NOT NULL,
    status_message TEXT,
    is_deleted INTEGER NOT NULL DEFAULT 0,
    UNIQUE (model, version)
) STRICT;

CREATE TABLE model_version_tags (
    version INTEGER NOT NULL REFERENCES model_versions (number) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (version, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE model_aliases (
    model INTEGER NOT NULL REFERENCES registered_models (number) ON DELETE CASCADE,
    alias TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (model, alias)
) STRICT, WITHOUT ROWID;

-- What happened to versions, kept also when model and version are deleted; so it names them and refers to neither.
CREATE TABLE model_history (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    model INTEGER NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    event TEXT NOT NULL,
    from_stage TEXT,
    to_stage TEXT,
    at INTEGER NOT NULL,
    user TEXT,
    reason TEXT,
    gates TEXT,
    is_forced INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX model_history_by_version ON model_history (model, version, number);
CREATE TRIGGER model_history_is_not_changed BEFORE UPDATE ON model_history
BEGIN SELECT RAISE (ABORT, 'the history of models is append-only'); END;
CREATE TRIGGER model_history_is_not_removed BEFORE DELETE ON model_history
BEGIN SELECT RAISE (ABORT, 'the history of models is append-only'); END;

-- Where the bytes of each artifact lie: its path, and the digest that names the object.
CREATE TABLE artifacts (
    path TEXT PRIMARY KEY,
    digest BLOB NOT NULL,
    size INTEGER NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX artifacts_by_digest ON artifacts (digest);
