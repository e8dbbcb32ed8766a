-- What a runtime's deadlines and restarts are counted from.

-- When it was last started; its longest time runs from here.
ALTER TABLE runtimes ADD COLUMN started_at BIGINT;
-- When it was last used, and by what; its idle time runs from here.
ALTER TABLE runtimes ADD COLUMN active_at BIGINT;
ALTER TABLE runtimes ADD COLUMN active_by TEXT;
-- How often it ended by itself in a row, and when it is started again.
ALTER TABLE runtimes ADD COLUMN crashes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE runtimes ADD COLUMN retry_at BIGINT;

-- Who works on what, so that two servers on one database never do at once.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until_at BIGINT NOT NULL
);
