-- What the rules said of a verzoek version (stam.rules), and the states that follow from it (flows.intake_states).

ALTER TABLE verzoek
    ADD COLUMN action text NOT NULL DEFAULT 'deliver_new' CHECK (
        action IN ('deliver_new', 'deliver_aanvulling', 'deliver_intrekking', 'keep_apart', 'ignore', 'park')
    ),
    ADD COLUMN rule text NOT NULL DEFAULT '',
    ADD COLUMN rule_reason text NOT NULL DEFAULT '',
    ADD COLUMN rule_advice text NOT NULL DEFAULT '',
    ADD COLUMN lapsed text[] NOT NULL DEFAULT '{}',
    DROP CONSTRAINT verzoek_state_check,
    ADD CONSTRAINT verzoek_state_check CHECK (
        state IN ('fetching', 'waiting', 'fetched', 'delivered', 'parked', 'ignored', 'kept_apart')
    );
COMMENT ON COLUMN verzoek.action IS 'What is done with it.';
COMMENT ON COLUMN verzoek.rule IS 'The rule that said so; empty for what came in before there were rules.';
COMMENT ON COLUMN verzoek.lapsed IS 'Ids of documents of earlier versions that this one no longer names.';

UPDATE verzoek SET action = 'deliver_intrekking' WHERE volgnummer = 999 OR doel = 'intrekken';
UPDATE verzoek SET action = 'deliver_aanvulling'
WHERE action = 'deliver_new' AND EXISTS (
    SELECT FROM verzoek AS earlier
    WHERE earlier.aansluiting_id = verzoek.aansluiting_id AND earlier.verzoeknummer = verzoek.verzoeknummer
      AND earlier.volgnummer < verzoek.volgnummer
);

ALTER TABLE notification ADD COLUMN withdrawal boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN notification.withdrawal IS 'It says that the verzoek is withdrawn, also when no verzoekbericht says so.';

-- A notification may also come in a file: then its hash tells it from others.
ALTER TABLE notification
    ALTER COLUMN inbound_message_id DROP NOT NULL,
    ADD COLUMN file_sha256 digest,
    ADD UNIQUE (aansluiting_id, file_sha256),
    ADD CHECK (num_nonnulls(inbound_message_id, file_sha256) = 1);

ALTER TABLE aansluiting ADD COLUMN intake jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN aansluiting.intake IS 'What it chose where a rule leaves a choice (stam.rules.RuleSettings).';
