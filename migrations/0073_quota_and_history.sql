-- How much of the disk somebody's projects may take together; NULL is as usual.
ALTER TABLE quotas ADD COLUMN disk_bytes BIGINT;
-- What a deleted project takes again when it is taken back.
ALTER TABLE deleted_projects ADD COLUMN disk_bytes BIGINT;
