-- Tokens of models that somebody may use in a day; NULL is as usual.
ALTER TABLE quotas ADD COLUMN model_tokens BIGINT;
