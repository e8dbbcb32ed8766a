-- Frozen snapshots of projects, handed in to be reviewed. What is in one is kept as
-- objects. While one is being taken, or removed, its state is `hidden`.
CREATE TABLE submissions (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    author_id TEXT NOT NULL REFERENCES users (id),
    number BIGINT NOT NULL,
    message TEXT NOT NULL,
    state TEXT NOT NULL,
    digest TEXT NOT NULL,
    files BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    left_out BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (project_id, number)
);
CREATE INDEX submissions_by_state ON submissions (state, id);

CREATE TABLE verdicts (
    id TEXT PRIMARY KEY,
    submission_id TEXT NOT NULL REFERENCES submissions (id),
    author_id TEXT NOT NULL REFERENCES users (id),
    verdict TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX verdicts_by_submission ON verdicts (submission_id, id);

-- Remarks on a submission, on a file of it (`path`), or on a line of that (from one on).
CREATE TABLE comments (
    id TEXT PRIMARY KEY,
    submission_id TEXT NOT NULL REFERENCES submissions (id),
    author_id TEXT NOT NULL REFERENCES users (id),
    path TEXT,
    line BIGINT,
    body TEXT NOT NULL,
    resolved_by TEXT,
    resolved_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX comments_by_submission ON comments (submission_id, id);
