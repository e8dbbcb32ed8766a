-- Old commands are found without looking through all.
CREATE INDEX commands_by_age ON commands (started_at);
