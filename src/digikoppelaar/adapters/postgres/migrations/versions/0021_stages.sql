-- Evidence of what was sent to 3PAS (flows.ports.kennisgevingen), and how far its stages are (flows.ports.stages).

CREATE TABLE kennisgeving_request (
    aansluiting_id bigint NOT NULL,
    kennisgeving_id bigint NOT NULL,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    body bytea NOT NULL,
    PRIMARY KEY (kennisgeving_id, sha256),
    FOREIGN KEY (kennisgeving_id, aansluiting_id) REFERENCES kennisgeving (id, aansluiting_id)
);
COMMENT ON TABLE kennisgeving_request IS 'A request to 3PAS as it was sent, once for all attempts that sent it.';

CREATE TABLE kennisgeving_attempt (
    aansluiting_id bigint NOT NULL,
    kennisgeving_id bigint NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    stage text NOT NULL,
    documenttype text NOT NULL,
    begun_at timestamptz NOT NULL,
    sha256 bytea NOT NULL,
    answered_at timestamptz,
    status integer,
    answer bytea CHECK (octet_length(answer) <= 65536),
    answer_size bigint,
    PRIMARY KEY (kennisgeving_id, number),
    FOREIGN KEY (kennisgeving_id, aansluiting_id) REFERENCES kennisgeving (id, aansluiting_id),
    FOREIGN KEY (kennisgeving_id, sha256) REFERENCES kennisgeving_request,
    CHECK (num_nonnulls(answered_at, status, answer, answer_size) IN (0, 4))
);
COMMENT ON TABLE kennisgeving_attempt IS 'An attempt to send a kennisgeving, on record before its first byte goes out.';
COMMENT ON COLUMN kennisgeving_attempt.answer IS 'Its first bytes; answer_size says how many there were.';
CREATE INDEX kennisgeving_attempt_stage ON kennisgeving_attempt (aansluiting_id, stage, documenttype);

CREATE TABLE stage_confirmation (
    aansluiting_id bigint NOT NULL REFERENCES aansluiting,
    stage text NOT NULL,
    documenttype text NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL,
    note text NOT NULL DEFAULT '',
    PRIMARY KEY (aansluiting_id, stage, documenttype)
);
COMMENT ON TABLE stage_confirmation IS 'A person said that KOOP found a documenttype good in a stage, and so who and when.';
