-- Tickets that let a browser open a terminal, once and within a minute: whom, where,
-- and by what he made it, which must still count.
CREATE TABLE terminal_tickets (
    fingerprint TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    token_id TEXT,
    valid_until BIGINT,
    valid_since BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX terminal_tickets_by_user ON terminal_tickets (user_id);
CREATE INDEX terminal_tickets_by_expiry ON terminal_tickets (expires_at);
