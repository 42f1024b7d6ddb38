-- Version 4: what of the records another server of MLflow has, and what it is called there.

-- `state` is null until all of it is there; of a version it says where it stood when the server was told.
CREATE TABLE forwarded (
    server TEXT NOT NULL,
    kind TEXT NOT NULL,
    local TEXT NOT NULL,
    remote TEXT NOT NULL,
    state TEXT,
    PRIMARY KEY (server, kind, local)
) STRICT, WITHOUT ROWID;
