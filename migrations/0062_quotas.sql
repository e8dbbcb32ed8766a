-- How much somebody may have, where that is not the usual: NULL is as usual.
CREATE TABLE quotas (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    projects BIGINT,
    runtimes BIGINT,
    updated_at BIGINT NOT NULL
);
