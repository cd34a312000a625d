-- Which case a verzoek belongs to when that was made elsewhere (flows.ports.repair), and what people do by hand.

CREATE TABLE case_link (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL REFERENCES aansluiting,
    verzoeknummer text NOT NULL,
    target text NOT NULL,
    case_reference text NOT NULL CHECK (case_reference <> ''),
    linked_at timestamptz NOT NULL,
    linked_by text NOT NULL
);
COMMENT ON TABLE case_link IS 'A person said: at this target, this verzoek is about a case that is there already.';
COMMENT ON COLUMN case_link.verzoeknummer IS 'As it was told; letters compare without case.';
CREATE UNIQUE INDEX case_link_key ON case_link (aansluiting_id, lower(verzoeknummer), target);

CREATE TABLE intervention (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL REFERENCES aansluiting,
    verzoeknummer text NOT NULL,
    name text NOT NULL,
    detail text NOT NULL DEFAULT '',
    done_by text NOT NULL,
    done_at timestamptz NOT NULL,
    UNIQUE (id, aansluiting_id)
);
COMMENT ON TABLE intervention IS 'What a person did to a verzoek by hand; append-only, nothing is decided on it.';
COMMENT ON COLUMN intervention.detail IS 'Ids, and of a park the reason that the person gave.';
CREATE INDEX intervention_verzoeknummer ON intervention (aansluiting_id, lower(verzoeknummer), id);
