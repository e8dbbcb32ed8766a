-- Values that plugins keep, each plugin's its own.

CREATE TABLE plugin_kv_owners (
    plugin TEXT PRIMARY KEY
);

CREATE TABLE plugin_kv (
    plugin TEXT NOT NULL REFERENCES plugin_kv_owners (plugin),
    key TEXT NOT NULL,
    -- Base64, since no type for bytes is known to both databases.
    value TEXT NOT NULL,
    -- Of key and value together.
    size_bytes BIGINT NOT NULL,
    PRIMARY KEY (plugin, key)
);
