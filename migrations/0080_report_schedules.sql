-- Reports on a schedule: until when each has been made, or need not have been, and how that
-- went last. Which schedules there are is configured.
CREATE TABLE report_schedules (
    name TEXT PRIMARY KEY,
    settled_at BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    retry_at BIGINT NOT NULL,
    last_at BIGINT,
    last_outcome TEXT,
    last_file TEXT
);

-- The files that are kept of them, so that none but our own is ever removed.
CREATE TABLE report_files (
    schedule TEXT NOT NULL,
    place TEXT NOT NULL,
    name TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (schedule, place, name)
);
