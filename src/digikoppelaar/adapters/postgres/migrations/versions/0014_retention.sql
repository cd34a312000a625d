-- Deleting what was delivered (flows.retention), with a record of it, and the keyed hashes that stay for a while.

ALTER TABLE aansluiting ADD COLUMN retention_days integer CHECK (retention_days >= 0);
COMMENT ON COLUMN aansluiting.retention_days IS 'Days until content is deleted; null: what the installation says.';

-- What is emptied. The row stays, with sizes and hashes.
ALTER TABLE verzoek ADD COLUMN purged_at timestamptz;
COMMENT ON COLUMN verzoek.purged_at IS 'From then on its files are gone, its name is empty, and so are theirs.';
ALTER TABLE verzoek_file
    ADD COLUMN purged_at timestamptz,
    DROP CONSTRAINT verzoek_file_check,
    ADD CHECK (num_nonnulls(size, sha256, fetched_at) IN (0, 3)),
    ADD CHECK ((blob IS NOT NULL) = (fetched_at IS NOT NULL AND purged_at IS NULL));
ALTER TABLE payload
    ADD COLUMN purged_at timestamptz,
    DROP CONSTRAINT payload_check,
    ADD CHECK (num_nonnulls(data, blob) = (purged_at IS NULL)::integer);
ALTER TABLE inbound_message ADD COLUMN purged_at timestamptz;
COMMENT ON COLUMN inbound_message.purged_at IS 'From then on its payloads are gone; the SOAP part stays.';
ALTER TABLE outbound_message ADD COLUMN purged_at timestamptz;
COMMENT ON COLUMN outbound_message.purged_at IS 'From then on its body is the SOAP part alone.';

-- When a notification that was passed on ended; known until now from the timeline alone.
ALTER TABLE notification ADD COLUMN passed_on_at timestamptz;
UPDATE notification
SET passed_on_at = coalesce(
    (SELECT max(step.at) FROM step WHERE step.notification_id = notification.id AND step.name = 'passed_on'),
    received_at
)
WHERE state = 'passed_on';
ALTER TABLE notification ADD CHECK (state <> 'passed_on' OR passed_on_at IS NOT NULL);

-- What is looked at: everything that still has content, and every blob that a row names.
CREATE INDEX verzoek_content ON verzoek (id) WHERE purged_at IS NULL;
CREATE INDEX notification_content ON notification (id) WHERE document IS NOT NULL;
CREATE INDEX verzoek_file_blob ON verzoek_file (blob) WHERE blob IS NOT NULL;
CREATE INDEX payload_content ON payload (inbound_message_id) WHERE purged_at IS NULL;
CREATE INDEX payload_blob ON payload (blob) WHERE blob IS NOT NULL;
CREATE INDEX outbound_message_content ON outbound_message (id) WHERE purged_at IS NULL AND submission IS NOT NULL;
CREATE INDEX outbound_message_holes ON outbound_message (id) WHERE holes <> '[]';

CREATE TABLE retention_run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    by text NOT NULL,
    began_at timestamptz NOT NULL,
    ended_at timestamptz
);
COMMENT ON TABLE retention_run IS 'Once a day, and by hand.';

CREATE TABLE purge (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES retention_run,
    aansluiting_id bigint REFERENCES aansluiting,
    what text NOT NULL CHECK (what IN ('verzoek', 'notification', 'inbound', 'outbound', 'leftover')),
    verzoek_id bigint,
    notification_id bigint,
    inbound_message_id bigint,
    outbound_message_id bigint,
    recorded_at timestamptz NOT NULL,
    completed_at timestamptz,
    FOREIGN KEY (verzoek_id, aansluiting_id) REFERENCES verzoek (id, aansluiting_id),
    FOREIGN KEY (inbound_message_id, aansluiting_id) REFERENCES inbound_message (id, aansluiting_id),
    FOREIGN KEY (outbound_message_id, aansluiting_id) REFERENCES outbound_message (id, aansluiting_id),
    CHECK ((what = 'verzoek') = (verzoek_id IS NOT NULL)),
    FOREIGN KEY (notification_id, aansluiting_id) REFERENCES notification (id, aansluiting_id),
    CHECK ((what = 'notification') = (notification_id IS NOT NULL)),
    CHECK ((what = 'inbound') = (inbound_message_id IS NOT NULL)),
    CHECK ((what = 'outbound') = (outbound_message_id IS NOT NULL)),
    CHECK ((what = 'leftover') = (aansluiting_id IS NULL))
);
COMMENT ON TABLE purge IS 'A deletion: on record before the first blob goes.';
COMMENT ON COLUMN purge.completed_at IS 'When every blob was gone; null: the next run unlinks them again.';
CREATE INDEX purge_open ON purge (id) WHERE completed_at IS NULL;
CREATE INDEX purge_verzoek ON purge (verzoek_id) WHERE verzoek_id IS NOT NULL;

CREATE TABLE purged_content (
    purge_id bigint NOT NULL REFERENCES purge,
    position integer NOT NULL,
    kind text NOT NULL,
    size bigint NOT NULL CHECK (size >= 0),
    sha256 digest,
    blob text,
    PRIMARY KEY (purge_id, position)
);
COMMENT ON TABLE purged_content IS 'What went. No names of files: they are personal data.';
COMMENT ON COLUMN purged_content.blob IS 'Null: it was in the database.';

CREATE TABLE fingerprint_set (
    verzoek_id bigint PRIMARY KEY,
    aansluiting_id bigint NOT NULL,
    key_id text NOT NULL,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    FOREIGN KEY (verzoek_id, aansluiting_id) REFERENCES verzoek (id, aansluiting_id)
);
COMMENT ON TABLE fingerprint_set IS 'stam.fingerprints of a version whose content was deleted. One without rows: it says nothing of a person.';
CREATE INDEX fingerprint_set_expires_at ON fingerprint_set (expires_at);

CREATE TABLE fingerprint (
    verzoek_id bigint NOT NULL REFERENCES fingerprint_set ON DELETE CASCADE,
    kind text NOT NULL,
    digest digest NOT NULL,
    PRIMARY KEY (verzoek_id, kind, digest)
);
COMMENT ON TABLE fingerprint IS 'One keyed hash (HMAC-SHA-256) of a value of this kind.';

-- What has ended, and when, as long as it has content. What has not ended is kept, whatever its age.
CREATE VIEW ended_verzoek AS
SELECT
    verzoek.id, verzoek.aansluiting_id,
    greatest(
        verzoek.fetched_at, verzoek.delivered_at,
        (SELECT max(delivery.delivered_at) FROM delivery WHERE delivery.verzoek_id = verzoek.id)
    ) AS ended_at
FROM verzoek
WHERE verzoek.purged_at IS NULL AND verzoek.state IN ('delivered', 'ignored', 'kept_apart')
  AND NOT EXISTS (SELECT FROM delivery WHERE delivery.verzoek_id = verzoek.id AND delivery.state <> 'delivered')
  AND NOT EXISTS (
      SELECT FROM notification WHERE notification.verzoek_id = verzoek.id AND notification.state <> 'fetched'
  );
COMMENT ON VIEW ended_verzoek IS 'Delivered to every target, or by a rule to none.';

CREATE VIEW ended_notification AS
SELECT
    notification.id, notification.aansluiting_id, notification.inbound_message_id,
    greatest(
        notification.received_at, notification.passed_on_at, verzoek.fetched_at, verzoek.delivered_at
    ) AS ended_at
FROM notification
LEFT JOIN verzoek ON verzoek.id = notification.verzoek_id
WHERE notification.state = 'passed_on' OR (notification.state = 'fetched' AND verzoek.purged_at IS NOT NULL);
COMMENT ON VIEW ended_notification IS 'Passed on, or fetched and the content of its verzoek was deleted.';

CREATE VIEW ended_inbound AS
SELECT
    message.id, message.aansluiting_id,
    CASE
        WHEN message.error_code IS NOT NULL THEN message.received_at
        ELSE coalesce(notification.ended_at, message.processed_at)
    END AS ended_at
FROM inbound_message AS message
LEFT JOIN ended_notification AS notification ON notification.inbound_message_id = message.id
WHERE message.id IN (SELECT inbound_message_id FROM payload WHERE purged_at IS NULL)
  AND (message.error_code IS NOT NULL OR message.processed_at IS NOT NULL OR notification.id IS NOT NULL);
COMMENT ON VIEW ended_inbound IS 'Refused, taken by its application, or with a notification that has ended.';

CREATE VIEW ended_outbound AS
SELECT id, aansluiting_id, settled_at AS ended_at
FROM outbound_message
WHERE purged_at IS NULL AND submission IS NOT NULL AND settled_at IS NOT NULL AND due_at IS NULL;
COMMENT ON VIEW ended_outbound IS 'Submitted by an application, which heard how it ended and has the original.';
