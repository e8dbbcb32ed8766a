-- The bytes of installed components, so that every server on this database has
-- them. In parts, since a row of many mebibytes is slow everywhere, and Base64,
-- since no type for bytes is known to both databases.
CREATE TABLE plugin_components (
    digest TEXT NOT NULL,
    part BIGINT NOT NULL,
    bytes TEXT NOT NULL,
    PRIMARY KEY (digest, part)
);
