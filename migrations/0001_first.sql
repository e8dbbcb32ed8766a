-- One text for SQLite and PostgreSQL: TEXT, BIGINT, DOUBLE PRECISION and BLOB
-- alone. Ids and JSON are TEXT; times are BIGINT microseconds since 1970.

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Tokens and browser sessions. Only a fingerprint of the secret is kept.
CREATE TABLE tokens (
    fingerprint TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id),
    purpose TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);

CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (owner_id, name)
);

-- What should be (`desired`) and what was last seen (`status`).
CREATE TABLE runtimes (
    project_id TEXT PRIMARY KEY REFERENCES projects (id),
    engine TEXT NOT NULL,
    desired TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    generation BIGINT NOT NULL,
    settings TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE processes (
    project_id TEXT PRIMARY KEY REFERENCES projects (id),
    command TEXT NOT NULL,
    port BIGINT,
    restart TEXT NOT NULL,
    desired TEXT NOT NULL,
    started_at BIGINT NOT NULL
);

CREATE TABLE commands (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    caller_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    command TEXT NOT NULL,
    cwd TEXT NOT NULL,
    allowed BIGINT NOT NULL,
    risk TEXT NOT NULL,
    policy TEXT NOT NULL,
    rule TEXT NOT NULL,
    exit_code BIGINT,
    started_at BIGINT NOT NULL,
    duration_ms BIGINT
);
CREATE INDEX commands_by_project ON commands (project_id, id);

-- Owners choose ids of their own, so an id is unique among one owner's only;
-- `directory` is unique among all.
CREATE TABLE jobs (
    id TEXT NOT NULL,
    owner_id TEXT NOT NULL REFERENCES users (id),
    directory TEXT NOT NULL UNIQUE,
    project_name TEXT NOT NULL,
    status TEXT NOT NULL,
    plan TEXT,
    error TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (owner_id, id)
);
CREATE INDEX jobs_by_expiry ON jobs (expires_at);

CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    owner_id TEXT NOT NULL REFERENCES users (id),
    job_id TEXT NOT NULL,
    agent TEXT NOT NULL,
    prompt TEXT NOT NULL,
    state TEXT NOT NULL,
    error TEXT,
    -- 1 while the project's kind is only a guess that the run's plan may correct.
    kind_open BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX runs_by_project ON runs (project_id, id);

-- Each step of a run, as it was told to those who watch.
CREATE TABLE run_steps (
    run_id TEXT NOT NULL REFERENCES runs (id),
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
);

-- Append-only; each entry's hash covers the one before it.
CREATE TABLE audit_entries (
    seq BIGINT PRIMARY KEY,
    id TEXT NOT NULL,
    phase TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    request_id TEXT NOT NULL,
    outcome TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TABLE idempotency_keys (
    key TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    status BIGINT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Facts about this installation, such as its instance id.
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
