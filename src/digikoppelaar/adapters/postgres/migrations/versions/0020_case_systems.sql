-- What an API key opens (flows.application.Right). Keys that were there open what they opened.

ALTER TABLE api_key ADD COLUMN rights text[] NOT NULL DEFAULT '{messages}'
    CHECK (rights <@ '{messages,draft,publish}' AND rights <> '{}');
ALTER TABLE api_key ALTER COLUMN rights DROP DEFAULT;
