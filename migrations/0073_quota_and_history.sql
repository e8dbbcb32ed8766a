-- How much of the disk somebody's projects may take together; NULL is as usual.
ALTER TABLE quotas ADD COLUMN disk_bytes BIGINT;
-- What a deleted project takes again when it is taken back.
ALTER TABLE deleted_projects ADD COLUMN disk_bytes BIGINT;
-- Commands as they are looked for: in small letters of any alphabet, which no database
-- makes as the other does.
ALTER TABLE commands ADD COLUMN folded TEXT;
UPDATE commands SET folded = LOWER(command);
