-- What an API key opens (flows.application.Right): keys that were there open what they opened. What case systems tell.

ALTER TABLE api_key ADD COLUMN rights text[] NOT NULL DEFAULT '{messages}'
    CHECK (rights <@ '{messages,draft,publish}' AND rights <> '{}');
ALTER TABLE api_key ALTER COLUMN rights DROP DEFAULT;

CREATE TABLE case_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL REFERENCES aansluiting,
    resource text NOT NULL CHECK (resource IN ('status', 'besluit')),
    url text NOT NULL,
    zaak text,
    by text NOT NULL,
    received_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    ended_at timestamptz,
    outcome text NOT NULL DEFAULT '',
    kennisgeving_id bigint UNIQUE REFERENCES kennisgeving,
    reason text,
    advice text,
    UNIQUE (aansluiting_id, url),
    CHECK (due_at IS NULL OR ended_at IS NULL)
);
COMMENT ON TABLE case_event IS 'What case systems told of zaken (flows.ports.case_events); neither due nor ended: a person has to look.';
CREATE INDEX case_event_due ON case_event (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX case_event_ended ON case_event (ended_at) WHERE ended_at IS NOT NULL;
-- A zaak is told of by its URL, whose host may be another name of the same server.
CREATE INDEX delivery_step_zaak ON delivery_step (regexp_replace(rtrim(outcome ->> 'url', '/'), '^.*/', '')) WHERE name = 'zaak';
