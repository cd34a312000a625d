-- Kennisgevingen to be published through DROP (flows.ports.kennisgevingen), and who did what to them.

ALTER TABLE aansluiting ADD COLUMN publishing jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN aansluiting.publishing IS 'Of kind drop: how it publishes; secrets are names of files.';

CREATE TABLE kennisgeving (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL REFERENCES aansluiting,
    referentienummer text NOT NULL,
    moment text NOT NULL,
    blad text NOT NULL,
    number integer NOT NULL DEFAULT 1 CHECK (number > 0),
    document jsonb NOT NULL,
    state text NOT NULL CHECK (state IN (
        'draft', 'planned', 'held', 'sending', 'unknown', 'refused', 'accepted', 'published', 'cancelled'
    )),
    origin_aansluiting_id bigint REFERENCES aansluiting,
    verzoeknummer text,
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    begun_at timestamptz,
    dossiernummer text,
    publication text,
    publication_url text,
    published_on date,
    differences text[] NOT NULL DEFAULT '{}',
    reason text,
    advice text,
    UNIQUE (id, aansluiting_id),
    CHECK ((origin_aansluiting_id IS NULL) = (verzoeknummer IS NULL)),
    CHECK (num_nonnulls(publication, publication_url, published_on) IN (0, 3)),
    CHECK (state <> 'sending' OR begun_at IS NOT NULL),
    CHECK (state <> 'published' OR publication IS NOT NULL)
);
COMMENT ON TABLE kennisgeving IS 'One notice: one case, one moment, one blad.';
COMMENT ON COLUMN kennisgeving.document IS 'drop.document.';
COMMENT ON COLUMN kennisgeving.due_at IS 'When it is to be sent or, of what KOOP may have, next to be looked for.';
CREATE UNIQUE INDEX kennisgeving_key ON kennisgeving (aansluiting_id, referentienummer, moment, blad, number)
    WHERE state <> 'cancelled';
CREATE INDEX kennisgeving_due ON kennisgeving (state, due_at) WHERE state IN ('planned', 'sending', 'unknown', 'accepted');
CREATE INDEX kennisgeving_verzoek ON kennisgeving (origin_aansluiting_id, verzoeknummer) WHERE verzoeknummer IS NOT NULL;

CREATE TABLE kennisgeving_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL,
    kennisgeving_id bigint NOT NULL,
    at timestamptz NOT NULL,
    event text NOT NULL,
    state text NOT NULL,
    by text,
    detail text NOT NULL DEFAULT '',
    FOREIGN KEY (kennisgeving_id, aansluiting_id) REFERENCES kennisgeving (id, aansluiting_id)
);
COMMENT ON TABLE kennisgeving_log IS 'What happened to a kennisgeving; by is NULL for the program.';
CREATE INDEX kennisgeving_log_of ON kennisgeving_log (kennisgeving_id, id);

CREATE TABLE no_kennisgeving (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL REFERENCES aansluiting,
    verzoeknummer text NOT NULL,
    reason text NOT NULL,
    by text,
    at timestamptz NOT NULL,
    UNIQUE (aansluiting_id, verzoeknummer)
);
COMMENT ON TABLE no_kennisgeving IS 'Verzoeken that get no kennisgeving, and why; by is NULL for the program.';
