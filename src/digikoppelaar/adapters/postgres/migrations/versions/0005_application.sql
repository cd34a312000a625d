-- API keys of organisaties, mappings that an application sets, and webhooks.

CREATE TABLE api_key (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    omgeving omgeving NOT NULL,
    organisatie_oin oin NOT NULL REFERENCES organisatie,
    name text NOT NULL,
    prefix text NOT NULL UNIQUE,
    sha256 digest NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
COMMENT ON TABLE api_key IS 'Lets an application act for one organisatie in one omgeving.';
COMMENT ON COLUMN api_key.prefix IS 'The start of the key: finds the row, and tells people which key it is.';
COMMENT ON COLUMN api_key.sha256 IS 'Of the whole key, which has 256 random bits; the key itself is shown once and kept nowhere.';

CREATE TABLE url_mapping (
    omgeving omgeving NOT NULL,
    organisatie_oin oin NOT NULL REFERENCES organisatie,
    source text NOT NULL,
    destination text NOT NULL,
    PRIMARY KEY (omgeving, organisatie_oin, source)
);
COMMENT ON TABLE url_mapping IS 'What goes to the endpoint `source` of a CPA goes to `destination` instead; looked up at each attempt.';

CREATE TABLE certificate_mapping (
    aansluiting_id bigint NOT NULL,
    cpa_row bigint NOT NULL,
    source_sha256 digest NOT NULL,
    source bytea NOT NULL,
    destination bytea NOT NULL,
    PRIMARY KEY (cpa_row, source_sha256),
    FOREIGN KEY (cpa_row, aansluiting_id) REFERENCES cpa (id, aansluiting_id)
);
COMMENT ON TABLE certificate_mapping IS 'Where the CPA names the certificate `source` (DER), `destination` counts.';

CREATE TABLE webhook (
    cpa_row bigint PRIMARY KEY,
    aansluiting_id bigint NOT NULL,
    url text NOT NULL,
    secret_file text NOT NULL,
    set_at timestamptz NOT NULL,
    FOREIGN KEY (cpa_row, aansluiting_id) REFERENCES cpa (id, aansluiting_id)
);
COMMENT ON TABLE webhook IS 'Where the events of a CPA are posted. The secret is the name of a file.';

CREATE TABLE webhook_delivery (
    event_id bigint PRIMARY KEY REFERENCES message_event ON DELETE CASCADE,
    attempts integer NOT NULL CHECK (attempts > 0),
    due_at timestamptz,
    parked_at timestamptz,
    status integer,
    reason text,
    CHECK ((due_at IS NULL) = (parked_at IS NOT NULL))
);
COMMENT ON TABLE webhook_delivery IS 'How far an event is that was tried at least once; message_event.processed_at says when it was taken.';
COMMENT ON COLUMN webhook_delivery.due_at IS 'When to try again or, while an attempt runs, when its lease is over.';

-- What waits for an application. Messages of consumer intake have a CPA of their own, so no look walks past them.
CREATE INDEX inbound_message_unprocessed ON inbound_message (cpa_row, id)
    WHERE processed_at IS NULL AND error_code IS NULL AND service <> 'urn:oasis:names:tc:ebxml-msg:service';
CREATE INDEX message_event_conversation ON message_event (cpa_row, conversation_id, id) WHERE processed_at IS NULL;
CREATE INDEX message_event_inbound ON message_event (inbound_message_id) WHERE inbound_message_id IS NOT NULL;
CREATE INDEX message_event_outbound ON message_event (outbound_message_id) WHERE outbound_message_id IS NOT NULL;

-- The commit of an event that somebody waits for wakes the poster of webhooks on every node.
CREATE FUNCTION tell_webhook() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM webhook WHERE cpa_row = NEW.cpa_row) THEN
        PERFORM pg_notify('webhook', '');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER message_event_told AFTER INSERT ON message_event FOR EACH ROW EXECUTE FUNCTION tell_webhook();
