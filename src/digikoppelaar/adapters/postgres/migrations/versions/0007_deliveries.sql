-- Where a verzoek version goes to (flows.targets), and what was done of it there (flows.ports.Steps).

CREATE TABLE delivery (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL,
    verzoek_id bigint NOT NULL,
    target text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'delivered', 'parked')),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    reason text,
    advice text,
    case_reference text,
    planned_at timestamptz NOT NULL,
    delivered_at timestamptz,
    UNIQUE (verzoek_id, target),
    FOREIGN KEY (verzoek_id, aansluiting_id) REFERENCES verzoek (id, aansluiting_id) ON DELETE CASCADE,
    CHECK ((state = 'delivered') = (delivered_at IS NOT NULL))
);
COMMENT ON TABLE delivery IS 'One for each version of a verzoek and each target of its aansluiting that it goes to.';
COMMENT ON COLUMN delivery.attempts IS 'Of the present series; a release starts a new one.';
CREATE INDEX delivery_open ON delivery (aansluiting_id, target) WHERE state <> 'delivered';

CREATE TABLE delivery_step (
    delivery_id bigint NOT NULL REFERENCES delivery ON DELETE CASCADE,
    name text NOT NULL,
    outcome jsonb NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (delivery_id, name)
);
COMMENT ON TABLE delivery_step IS 'What was done of a delivery and is not done again after a crash.';
COMMENT ON COLUMN delivery_step.outcome IS 'Identifiers and URLs of the case system, never personal data.';
