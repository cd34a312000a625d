-- Case systems and applications are told what became of a kennisgeving (flows.ports.tellings).

CREATE TABLE telling (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL REFERENCES aansluiting,
    kennisgeving_id bigint NOT NULL REFERENCES kennisgeving,
    target text,
    state text NOT NULL CHECK (state IN ('published', 'refused', 'unknown')),
    at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    begun_at timestamptz,
    due_at timestamptz,
    told_at timestamptz,
    note text NOT NULL DEFAULT '',
    reason text,
    advice text,
    CHECK (target IS NULL OR state = 'published'),
    CHECK (told_at IS NULL OR due_at IS NULL)
);
COMMENT ON TABLE telling IS 'A case system, or without target an application, is to be told that a kennisgeving came to a state.';
COMMENT ON COLUMN telling.aansluiting_id IS 'Whose target or webhook it is.';
COMMENT ON COLUMN telling.due_at IS 'When to try again or, while an attempt runs, when it is given up; NULL without told_at: parked.';
COMMENT ON COLUMN telling.begun_at IS 'Of the attempt that runs.';
CREATE UNIQUE INDEX telling_target ON telling (kennisgeving_id, target) WHERE target IS NOT NULL;
CREATE INDEX telling_of ON telling (kennisgeving_id, id);
CREATE INDEX telling_due ON telling (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX telling_open ON telling (at) WHERE told_at IS NULL;
