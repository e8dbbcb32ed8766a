-- What each project's workspace was found to take on the disk, and when: so that
-- nobody has to walk through all of them to tell.
CREATE TABLE disk_measures (
    project_id TEXT PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    bytes BIGINT NOT NULL,
    measured_at BIGINT NOT NULL
);
CREATE INDEX disk_measures_by_bytes ON disk_measures (bytes, project_id);
