-- How far the onboarding of an organisatie is (flows.ports.onboarding), or of a partij for what it does once. It needs no
-- aansluiting, for what takes longest comes first; so nothing here refers to one.

CREATE TABLE onboarding_step (
    oin oin NOT NULL,
    kind text NOT NULL CHECK (kind IN ('stam', 'drop')),
    omgeving omgeving NOT NULL,
    number text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'waiting', 'wrong', 'done')),
    findings jsonb NOT NULL,
    evidence text[] NOT NULL,
    since timestamptz,
    was_done boolean NOT NULL,
    changed_at timestamptz,
    PRIMARY KEY (oin, kind, omgeving, number)
);
COMMENT ON TABLE onboarding_step IS 'A step of onboarding of which anything is known; onboarding.states says how it moves.';
COMMENT ON COLUMN onboarding_step.oin IS 'Of the organisatie or, of a shared step, of the partij.';
COMMENT ON COLUMN onboarding_step.evidence IS 'Names of files.';
COMMENT ON COLUMN onboarding_step.since IS 'When it came to its state; NULL when it never moved.';
COMMENT ON COLUMN onboarding_step.was_done IS 'It was done since what it is about last changed (changed_at).';

CREATE TABLE onboarding_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    oin oin NOT NULL,
    kind text NOT NULL,
    omgeving omgeving NOT NULL,
    number text NOT NULL,
    at timestamptz NOT NULL,
    event text NOT NULL,
    state text NOT NULL,
    by text,
    detail text NOT NULL,
    FOREIGN KEY (oin, kind, omgeving, number) REFERENCES onboarding_step
);
COMMENT ON TABLE onboarding_log IS 'What happened to a step; by is NULL for the program.';
CREATE INDEX onboarding_log_of ON onboarding_log (oin, kind, omgeving, id);
