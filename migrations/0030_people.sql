-- People that administrators look after, and tokens that can do less than their
-- owners and be told apart.
ALTER TABLE users ADD COLUMN removed_at BIGINT;
-- What was issued before this moment no longer lets anybody in.
ALTER TABLE users ADD COLUMN valid_after BIGINT NOT NULL DEFAULT 0;

ALTER TABLE tokens ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN scope TEXT NOT NULL DEFAULT 'admin';
-- The token that a browser signed in with; its sessions end with it.
ALTER TABLE tokens ADD COLUMN parent TEXT;
CREATE INDEX tokens_by_user ON tokens (user_id, created_at);
