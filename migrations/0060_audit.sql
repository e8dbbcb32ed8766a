-- Which fields an entry's hash covers: 1 for those from before this migration, 2
-- with the columns below.
ALTER TABLE audit_entries ADD COLUMN format BIGINT NOT NULL DEFAULT 1;
-- From where it was asked, as far as a request asked for it.
ALTER TABLE audit_entries ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_entries ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';
-- From begun to its end; NULL where nothing ended.
ALTER TABLE audit_entries ADD COLUMN duration_us BIGINT;

-- The last entry that was cut off, from which the record goes on. `seal` is made
-- with a key that is not in the database; `key_id` tells which.
CREATE TABLE audit_checkpoints (
    seq BIGINT PRIMARY KEY,
    hash TEXT NOT NULL,
    at BIGINT NOT NULL,
    key_id TEXT NOT NULL,
    seal TEXT NOT NULL
);
