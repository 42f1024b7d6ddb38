-- Version 5: alerts that were posted to a webhook, so that the same is not posted again and again.

-- `webhook` is the digest of its address, which is a secret; `posted_at` in milliseconds since 1970, UTC.
CREATE TABLE posted_alerts (
    webhook TEXT NOT NULL,
    model TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    severity TEXT NOT NULL,
    posted_at INTEGER NOT NULL,
    PRIMARY KEY (webhook, model, kind, subject)
) STRICT, WITHOUT ROWID;
