-- Errands: what is asked of the CPA register and of DSO-LV (flows.ports.errands), on record before it is asked.

CREATE TABLE errand (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL REFERENCES aansluiting,
    kind text NOT NULL CHECK (kind IN ('machtiging', 'cpa-request', 'cpa-offer')),
    subject text NOT NULL,
    state text NOT NULL CHECK (state IN ('begun', 'done', 'failed')),
    begun_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    outcome jsonb NOT NULL DEFAULT '{}',
    reason text NOT NULL DEFAULT '',
    advice text NOT NULL DEFAULT '',
    UNIQUE (aansluiting_id, kind, subject)
);
COMMENT ON TABLE errand IS 'Something asked of the CPA register or of DSO-LV; begun and never ended: look there first.';
COMMENT ON COLUMN errand.subject IS 'What is asked; the same question has the same subject.';
COMMENT ON COLUMN errand.outcome IS 'What the other side said: identifiers by name, never personal data.';
