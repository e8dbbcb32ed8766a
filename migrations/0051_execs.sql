-- How commands ended beside their exit codes, and what they changed.
ALTER TABLE commands ADD COLUMN signal BIGINT;
-- `exited`, `signalled`, `timeout` or `cancelled`.
ALTER TABLE commands ADD COLUMN reason TEXT;
-- The shell session in which it ran.
ALTER TABLE commands ADD COLUMN session TEXT;
-- JSON: the files that changed while it ran, and whether that is all of them.
ALTER TABLE commands ADD COLUMN changed TEXT;
