-- Previews: hosts of their own, ports of this machine, links for others.

-- The part of a preview's host name that tells projects of one name apart. It is
-- never given to another project.
CREATE TABLE preview_labels (
    label TEXT PRIMARY KEY,
    project_id TEXT NOT NULL UNIQUE REFERENCES projects (id) ON DELETE CASCADE
);

-- Ports of the host that lead to ports of runtimes.
CREATE TABLE preview_ports (
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    port BIGINT NOT NULL,
    host_port BIGINT NOT NULL UNIQUE,
    PRIMARY KEY (project_id, port)
);

-- Links that show a preview to whoever has them. Only a fingerprint of the
-- secret is kept.
CREATE TABLE preview_links (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    creator_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL UNIQUE,
    -- NULL: whichever port the preview shows.
    port BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX preview_links_by_project ON preview_links (project_id, id);
