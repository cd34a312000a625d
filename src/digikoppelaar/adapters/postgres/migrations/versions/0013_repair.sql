-- What people stop, and what they have fetched again (flows.ports.repair).

ALTER TABLE verzoek ADD COLUMN stopped boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN verzoek.stopped IS 'A person parked it: only a person lets it go on.';

ALTER TABLE notification
    ADD COLUMN stopped boolean NOT NULL DEFAULT false,
    ADD COLUMN intervention_id bigint,
    ADD FOREIGN KEY (intervention_id, aansluiting_id) REFERENCES intervention (id, aansluiting_id),
    DROP COLUMN origin,
    DROP CONSTRAINT notification_check,
    ADD CHECK (num_nonnulls(inbound_message_id, file_sha256, catch_up_search_id, intervention_id) = 1),
    ADD COLUMN origin text NOT NULL GENERATED ALWAYS AS (
        CASE
            WHEN inbound_message_id IS NOT NULL THEN 'ebms'
            WHEN file_sha256 IS NOT NULL THEN 'file'
            WHEN intervention_id IS NOT NULL THEN 'hand'
            ELSE 'catch-up'
        END
    ) STORED;
COMMENT ON COLUMN notification.origin IS 'How we know of it.';
COMMENT ON COLUMN notification.stopped IS 'A person parked it: only a person lets it go on.';
CREATE INDEX notification_stopped ON notification (aansluiting_id) WHERE stopped;
