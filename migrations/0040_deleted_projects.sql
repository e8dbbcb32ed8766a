-- Projects that were deleted and may still be taken back. Their files lie where
-- they lay; their names are free.
CREATE TABLE deleted_projects (
    id TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX deleted_projects_by_expiry ON deleted_projects (expires_at);
