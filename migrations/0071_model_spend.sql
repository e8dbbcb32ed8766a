-- What models cost: questions and tokens, by the day (its beginning in UTC), by who asked,
-- for which project and of which model, by the operator's name for it. It outlives runs and
-- projects.
CREATE TABLE model_spend (
    day BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    model TEXT NOT NULL,
    project TEXT NOT NULL,
    calls BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    PRIMARY KEY (day, user_id, project_id, model)
);
