-- Version 3: which execution of a stage a run records.

-- Outlives its run, so that what was deleted for good is not recorded again.
CREATE TABLE executions (
    attempt TEXT PRIMARY KEY,
    stage TEXT NOT NULL,
    stage_key TEXT NOT NULL,
    run TEXT NOT NULL,
    is_open INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;
CREATE INDEX executions_by_stage ON executions (stage, attempt);
CREATE INDEX executions_by_key ON executions (stage_key, attempt);
CREATE INDEX executions_by_run ON executions (run);
CREATE INDEX open_executions ON executions (attempt) WHERE is_open;
