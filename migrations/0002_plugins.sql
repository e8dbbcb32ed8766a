-- Plugins that were installed, the policies that judge, and what was judged.

-- One row for each plugin by its name; `digest` is the version that runs and
-- `previous` the one that a rollback brings back.
CREATE TABLE plugins (
    name TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    previous TEXT,
    enabled BIGINT NOT NULL,
    -- 1 where it judges commands: a policy that can no longer be loaded denies.
    judges BIGINT NOT NULL,
    -- JSON list of the grants the operator gave.
    grants TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Every version of a plugin that is kept; its bytes are a file of that digest.
CREATE TABLE plugin_versions (
    name TEXT NOT NULL REFERENCES plugins (name),
    digest TEXT NOT NULL,
    version TEXT NOT NULL,
    -- `upload`, `file` or an OCI reference.
    source TEXT NOT NULL,
    -- Name of the key whose signature it carries.
    signed_by TEXT,
    installed_by TEXT NOT NULL,
    installed_at BIGINT NOT NULL,
    PRIMARY KEY (name, digest)
);

-- Where a plugin is used: everybody's, or one project's; asked in the order of
-- `position`, then of `id`. Plugins that are built in may be bound as well.
CREATE TABLE plugin_bindings (
    id TEXT PRIMARY KEY,
    plugin TEXT NOT NULL,
    project_id TEXT,
    position BIGINT NOT NULL,
    mode TEXT NOT NULL,
    on_error TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Commands as they were put to the policies, so that another policy can be
-- tried on them. `request` and `opinions` are JSON.
CREATE TABLE judgements (
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    request TEXT NOT NULL,
    allowed BIGINT NOT NULL,
    risk TEXT NOT NULL,
    policy TEXT NOT NULL,
    rule TEXT NOT NULL,
    opinions TEXT NOT NULL
);
CREATE INDEX judgements_by_time ON judgements (at);
