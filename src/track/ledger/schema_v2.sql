-- What a version was registered with. Of a deleted version the digest stays, so that what made it does not bring it back.
CREATE TABLE registrations (
    version INTEGER PRIMARY KEY REFERENCES model_versions (number) ON DELETE CASCADE,
    model INTEGER NOT NULL REFERENCES registered_models (number) ON DELETE CASCADE,
    digest BLOB NOT NULL,
    record TEXT NOT NULL,
    lineage TEXT,
    UNIQUE (model, digest)
) STRICT;
