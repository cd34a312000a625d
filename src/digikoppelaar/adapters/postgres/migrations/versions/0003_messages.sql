-- Every profile, for every consumer: what a CPA is for, what is tolerated under it, and what its application must hear.

ALTER TABLE aansluiting DROP CONSTRAINT aansluiting_kind_check;
ALTER TABLE aansluiting ADD CONSTRAINT aansluiting_kind_check CHECK (kind IN ('stam', 'drop', 'ebms'));
COMMENT ON COLUMN aansluiting.kind IS 'stam: verzoeken of DSO-LV; drop: KOOP; ebms: any other Digikoppeling partner.';

ALTER TABLE cpa
    ADD COLUMN consumer text NOT NULL DEFAULT 'intake' CHECK (consumer IN ('intake', 'rest', 'webhook')),
    ADD COLUMN tolerances jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN removed_at timestamptz;
COMMENT ON COLUMN cpa.consumer IS 'Who takes what comes in under it: one.';
COMMENT ON COLUMN cpa.tolerances IS 'ebms.agreement.Tolerances: the ones that are switched on.';
COMMENT ON COLUMN cpa.removed_at IS 'No longer in use; its messages stay readable.';

ALTER TABLE inbound_message
    ADD COLUMN service_type text,
    ADD COLUMN from_role text,
    ADD COLUMN to_role text,
    ADD COLUMN processed_at timestamptz;
COMMENT ON COLUMN inbound_message.processed_at IS 'When the application said that it has taken it.';

ALTER TABLE payload ADD COLUMN name text;
COMMENT ON COLUMN payload.name IS 'The file name that its sender gave it.';

ALTER TABLE outbound_message
    ADD COLUMN holes jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN synchronous boolean NOT NULL DEFAULT false,
    ADD COLUMN service_type text,
    ADD COLUMN submission bytea,
    ADD COLUMN tells_application boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN outbound_message.submission IS 'Digest of what an application submitted: the same again is no second message.';
COMMENT ON COLUMN outbound_message.tells_application IS 'How it ends becomes a message_event.';
COMMENT ON COLUMN outbound_message.body IS 'Goes out as it is, every time, with the blobs of holes put in.';
COMMENT ON COLUMN outbound_message.holes IS 'Large content: [{"at": offset in body, "blob": name, "size": bytes}].';
COMMENT ON COLUMN outbound_message.synchronous IS 'The signal about it comes in the HTTP response.';

CREATE TABLE message_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL,
    cpa_row bigint NOT NULL,
    inbound_message_id bigint,
    outbound_message_id bigint,
    conversation_id text NOT NULL,
    type text NOT NULL CHECK (type IN ('RECEIVED', 'DELIVERED', 'FAILED', 'EXPIRED')),
    at timestamptz NOT NULL,
    processed_at timestamptz,
    FOREIGN KEY (cpa_row, aansluiting_id) REFERENCES cpa (id, aansluiting_id),
    FOREIGN KEY (inbound_message_id, aansluiting_id) REFERENCES inbound_message (id, aansluiting_id),
    FOREIGN KEY (outbound_message_id, aansluiting_id) REFERENCES outbound_message (id, aansluiting_id),
    CHECK (num_nonnulls(inbound_message_id, outbound_message_id) = 1)
);
COMMENT ON TABLE message_event IS 'What the application of a CPA must hear, in the order of its commits; not for consumer intake.';
CREATE INDEX message_event_waiting ON message_event (aansluiting_id, cpa_row, id) WHERE processed_at IS NULL;

-- The same keys, found by MessageId alone as well: a StatusRequest and an application name no CPA.
ALTER TABLE inbound_message DROP CONSTRAINT inbound_message_aansluiting_id_cpa_row_message_id_key;
ALTER TABLE inbound_message ADD CONSTRAINT inbound_message_name UNIQUE (message_id, cpa_row, aansluiting_id);
ALTER TABLE outbound_message DROP CONSTRAINT outbound_message_aansluiting_id_cpa_row_message_id_key;
ALTER TABLE outbound_message ADD CONSTRAINT outbound_message_name UNIQUE (message_id, cpa_row, aansluiting_id);

-- The answer to a message of ours is looked for by what it refers to.
CREATE INDEX inbound_message_reference ON inbound_message (ref_to_message_id) WHERE ref_to_message_id IS NOT NULL;

CREATE TABLE partner (
    partner text PRIMARY KEY,
    failures integer NOT NULL DEFAULT 0,
    last_success_at timestamptz,
    last_failure_at timestamptz,
    last_error text
);
COMMENT ON TABLE partner IS 'How reaching a partner goes, for people: written by senders now and then, never decided on.';
COMMENT ON COLUMN partner.failures IS 'Attempts in a row that found nobody.';

-- Told by the message rows themselves (reading.sql), so no row is written for it any more.
DELETE FROM step WHERE name IN (
    'received', 'rejected', 'outbound_acknowledged', 'outbound_delivered', 'outbound_failed', 'outbound_expired'
);
