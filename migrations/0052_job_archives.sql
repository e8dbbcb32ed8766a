-- Jobs that have expired: whoever asks for one is told when, for a while.
CREATE TABLE expired_jobs (
    directory TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    expired_at BIGINT NOT NULL
);
CREATE INDEX expired_jobs_by_id ON expired_jobs (id, owner_id);
CREATE INDEX expired_jobs_by_time ON expired_jobs (expired_at);

-- The archive of a complete job, once it is kept: its length and its content's hash.
ALTER TABLE jobs ADD COLUMN archive_bytes BIGINT;
ALTER TABLE jobs ADD COLUMN archive_blake3 TEXT;
