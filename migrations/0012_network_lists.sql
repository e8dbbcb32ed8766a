-- What one project may reach beside what all may: JSON arrays of hosts.
CREATE TABLE network_lists (
    project_id TEXT PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    allow TEXT NOT NULL,
    deny TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);
