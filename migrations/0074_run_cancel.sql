-- When somebody asked for the run to end; the server that carries it out looks for it.
ALTER TABLE runs ADD COLUMN cancel_asked_at BIGINT;
