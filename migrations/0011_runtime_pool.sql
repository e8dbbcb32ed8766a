-- Runtimes that were made ahead of need. A new project takes over an entry's id;
-- until its own row is there, `claimed_at` keeps others away.
CREATE TABLE pool_entries (
    project_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    claimed_at BIGINT,
    created_at BIGINT NOT NULL
);
