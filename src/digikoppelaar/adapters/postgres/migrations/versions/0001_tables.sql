-- Everything hangs on the aansluiting: organisatie, kind and omgeving. Each traffic table carries aansluiting_id, its
-- unique keys start with it, and composite foreign keys keep a row from pointing at another aansluiting's rows.

CREATE DOMAIN omgeving AS text CHECK (VALUE IN ('sandbox-pre', 'sandbox-prod', 'pre', 'prod'));
CREATE DOMAIN oin AS text CHECK (VALUE ~ '^[0-9]{20}$');
CREATE DOMAIN digest AS bytea CHECK (octet_length(VALUE) BETWEEN 32 AND 64);

-- Who is connected to what ------------------------------------------------------------------------------------------

CREATE TABLE organisatie (
    oin oin PRIMARY KEY,
    naam text NOT NULL,
    bestuurslaag text NOT NULL
);
COMMENT ON TABLE organisatie IS 'A tenant: bevoegd gezag or behandeldienst.';

CREATE TABLE partij (
    oin oin PRIMARY KEY,
    naam text NOT NULL
);
COMMENT ON TABLE partij IS 'Owns certificates and acts for organisaties: an organisatie itself, a leverancier, a digikoppelaar.';
COMMENT ON COLUMN partij.oin IS 'OIN or HRN.';

CREATE TABLE certificate (
    partij_oin oin NOT NULL REFERENCES partij,
    omgeving omgeving NOT NULL,
    use text NOT NULL CHECK (use IN ('tls-server', 'tls-client', 'sign')),
    certificate_file text NOT NULL,
    key_file text NOT NULL,
    PRIMARY KEY (partij_oin, omgeving, use)
);
COMMENT ON TABLE certificate IS 'Which files hold the certificate and key of a partij, by use. Never the key itself.';

CREATE TABLE machtiging (
    omgeving omgeving NOT NULL,
    gemachtigde_oin oin NOT NULL,
    namens_oin oin NOT NULL,
    since timestamptz NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (omgeving, gemachtigde_oin, namens_oin)
);
COMMENT ON TABLE machtiging IS 'On record: the holder of a certificate with gemachtigde_oin may act for namens_oin.';

CREATE TABLE aansluiting (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisatie_oin oin NOT NULL REFERENCES organisatie,
    kind text NOT NULL CHECK (kind IN ('stam', 'drop')),
    omgeving omgeving NOT NULL,
    partij_oin oin NOT NULL REFERENCES partij,
    dso jsonb NOT NULL DEFAULT '{}',
    case_system jsonb NOT NULL DEFAULT '{}',
    UNIQUE (organisatie_oin, kind, omgeving),
    UNIQUE (id, omgeving)
);
COMMENT ON TABLE aansluiting IS 'One link of one organisatie to one facility in one omgeving.';
COMMENT ON COLUMN aansluiting.partij_oin IS 'Owns the certificates that are used for it.';
COMMENT ON COLUMN aansluiting.dso IS 'flows.ports.DsoSettings; the API key is the name of a file.';

CREATE TABLE cpa (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL,
    omgeving omgeving NOT NULL,
    cpa_id text NOT NULL,
    document bytea NOT NULL,
    sha256 digest NOT NULL,
    our_party_ids text[] NOT NULL CHECK (cardinality(our_party_ids) > 0),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    imported_at timestamptz NOT NULL,
    UNIQUE (omgeving, cpa_id),
    UNIQUE (id, aansluiting_id),
    FOREIGN KEY (aansluiting_id, omgeving) REFERENCES aansluiting (id, omgeving)
);
COMMENT ON TABLE cpa IS 'An imported CPA, byte for byte.';
COMMENT ON COLUMN cpa.cpa_id IS 'CPAId: its name, unique in an omgeving.';
COMMENT ON COLUMN cpa.our_party_ids IS 'PartyIds of the side of the CPA that is ours.';
CREATE INDEX cpa_aansluiting ON cpa (aansluiting_id);

-- ebMS messages -----------------------------------------------------------------------------------------------------

CREATE TABLE outbound_message (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL,
    cpa_row bigint NOT NULL,
    message_id text NOT NULL,
    conversation_id text NOT NULL,
    ref_to_message_id text,
    service text NOT NULL,
    action text NOT NULL,
    timestamp timestamptz NOT NULL,
    partner text NOT NULL,
    endpoint text NOT NULL,
    content_type text NOT NULL,
    body bytea NOT NULL,
    retries integer CHECK (retries >= 0),
    retry_interval interval,
    time_to_live timestamptz,
    state text NOT NULL
        CHECK (state IN ('created', 'sending', 'sent', 'acknowledged', 'delivered', 'failed', 'expired')),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    max_attempts integer NOT NULL CHECK (max_attempts > 0),
    due_at timestamptz,
    reason text,
    settled_at timestamptz,
    UNIQUE (aansluiting_id, cpa_row, message_id),
    UNIQUE (id, aansluiting_id),
    FOREIGN KEY (cpa_row, aansluiting_id) REFERENCES cpa (id, aansluiting_id),
    CHECK ((retries IS NULL) = (retry_interval IS NULL)),
    CHECK ((due_at IS NULL) = (state IN ('acknowledged', 'delivered', 'failed', 'expired')))
);
COMMENT ON TABLE outbound_message IS 'What we send; ebms.reliability says how the state moves.';
COMMENT ON COLUMN outbound_message.body IS 'Goes out as it is, every time.';
COMMENT ON COLUMN outbound_message.partner IS 'PartyId of the receiver: the sender''s slots are per partner.';
COMMENT ON COLUMN outbound_message.retries IS 'Null, like retry_interval: no acknowledgment is awaited.';
COMMENT ON COLUMN outbound_message.attempts IS 'Of the present series; a repeated answer starts a new one.';
COMMENT ON COLUMN outbound_message.due_at IS
    'When to look at it again: to send, to give up or, while sending, when the lease of the attempt is over.';
-- Claiming takes each partner's earliest; both indexes hold only what is not settled.
CREATE INDEX outbound_message_claim ON outbound_message (partner, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX outbound_message_due ON outbound_message (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbound_message_timestamp ON outbound_message (timestamp, id);

CREATE TABLE attempt (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL,
    outbound_message_id bigint NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    event text,
    status integer,
    detail text NOT NULL DEFAULT '',
    FOREIGN KEY (outbound_message_id, aansluiting_id) REFERENCES outbound_message (id, aansluiting_id),
    CHECK ((ended_at IS NULL) = (event IS NULL))
);
COMMENT ON TABLE attempt IS 'Written before it is made, so that nothing is ever sent unseen.';
COMMENT ON COLUMN attempt.event IS 'How it ended (ebms.reliability.Event); null while it runs, or cut off by a crash.';
CREATE INDEX attempt_outbound_message ON attempt (outbound_message_id, id);

CREATE TABLE inbound_message (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL,
    cpa_row bigint NOT NULL,
    message_id text NOT NULL,
    conversation_id text NOT NULL,
    ref_to_message_id text,
    service text NOT NULL,
    action text NOT NULL,
    timestamp timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    fingerprint bytea NOT NULL,
    content_type text NOT NULL,
    document bytea NOT NULL,
    error_code text,
    error_reason text,
    answer_id bigint,
    UNIQUE (aansluiting_id, cpa_row, message_id),
    UNIQUE (id, aansluiting_id),
    FOREIGN KEY (cpa_row, aansluiting_id) REFERENCES cpa (id, aansluiting_id),
    FOREIGN KEY (answer_id, aansluiting_id) REFERENCES outbound_message (id, aansluiting_id)
);
COMMENT ON TABLE inbound_message IS 'What came in and was stored before it was answered; the unique key drops duplicates.';
COMMENT ON COLUMN inbound_message.document IS 'The SOAP part, byte for byte.';
COMMENT ON COLUMN inbound_message.error_code IS 'ebXML error code, when it was rejected.';
COMMENT ON COLUMN inbound_message.answer_id IS 'The acknowledgment, error or pong that goes out, again and again, for it.';
CREATE INDEX inbound_message_received_at ON inbound_message (received_at, id);
CREATE INDEX inbound_message_answer ON inbound_message (answer_id) WHERE answer_id IS NOT NULL;

CREATE TABLE payload (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL,
    inbound_message_id bigint NOT NULL,
    position integer NOT NULL,
    content_id text NOT NULL,
    content_type text NOT NULL,
    size bigint NOT NULL CHECK (size >= 0),
    sha256 digest NOT NULL,
    data bytea,
    blob text,
    UNIQUE (aansluiting_id, inbound_message_id, position),
    FOREIGN KEY (inbound_message_id, aansluiting_id) REFERENCES inbound_message (id, aansluiting_id),
    CHECK (num_nonnulls(data, blob) = 1)
);
COMMENT ON TABLE payload IS 'Small payloads are here, large ones in the blob store under the name in blob.';

-- Verzoeken ---------------------------------------------------------------------------------------------------------

CREATE TABLE verzoek (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL REFERENCES aansluiting,
    verzoeknummer text NOT NULL,
    volgnummer integer NOT NULL,
    type text NOT NULL,
    doel text NOT NULL,
    naam text NOT NULL,
    indien_datum timestamptz,
    test boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('fetching', 'fetched', 'delivered', 'parked')),
    received_at timestamptz NOT NULL,
    fetched_at timestamptz,
    delivered_at timestamptz,
    case_reference text,
    reason text,
    advice text,
    UNIQUE (aansluiting_id, verzoeknummer, volgnummer),
    UNIQUE (id, aansluiting_id),
    CHECK (state <> 'delivered' OR (delivered_at IS NOT NULL AND case_reference IS NOT NULL))
);
COMMENT ON TABLE verzoek IS 'A verzoek version, known since its XML was fetched; flows.intake_states says how it moves.';
COMMENT ON COLUMN verzoek.received_at IS 'When the notification came in that led to it.';
COMMENT ON COLUMN verzoek.case_reference IS 'Where the case system put it.';
COMMENT ON COLUMN verzoek.reason IS 'Why it does not go on; English, ids only. advice is Dutch.';
CREATE INDEX verzoek_received_at ON verzoek (received_at, id);

CREATE TABLE verzoek_file (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL,
    verzoek_id bigint NOT NULL,
    position integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('xml', 'pdf', 'bijlage')),
    document_id text NOT NULL,
    naam text NOT NULL,
    media_type text NOT NULL,
    href text NOT NULL,
    blob text,
    size bigint CHECK (size >= 0),
    sha256 digest,
    fetched_at timestamptz,
    UNIQUE (aansluiting_id, verzoek_id, kind, document_id),
    FOREIGN KEY (verzoek_id, aansluiting_id) REFERENCES verzoek (id, aansluiting_id),
    CHECK (num_nonnulls(blob, size, sha256, fetched_at) IN (0, 4))
);
COMMENT ON TABLE verzoek_file IS 'A file that DSO-LV announced; its content is in the blob store once fetched_at is set.';

CREATE TABLE notification (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL,
    inbound_message_id bigint NOT NULL,
    verzoeknummer text NOT NULL,
    received_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('received', 'fetched', 'parked')),
    verzoek_id bigint,
    reason text,
    advice text,
    UNIQUE (aansluiting_id, inbound_message_id),
    UNIQUE (id, aansluiting_id),
    FOREIGN KEY (inbound_message_id, aansluiting_id) REFERENCES inbound_message (id, aansluiting_id),
    FOREIGN KEY (verzoek_id, aansluiting_id) REFERENCES verzoek (id, aansluiting_id)
);
COMMENT ON TABLE notification IS 'An accepted notification: only the fetched XML tells of which version it is.';
COMMENT ON COLUMN notification.verzoeknummer IS 'Empty when none could be read; it is parked then.';
CREATE INDEX notification_verzoeknummer ON notification (aansluiting_id, verzoeknummer);
CREATE INDEX notification_verzoek ON notification (verzoek_id);
CREATE INDEX notification_received_at ON notification (received_at, id);

CREATE TABLE step (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL REFERENCES aansluiting,
    name text NOT NULL,
    at timestamptz NOT NULL,
    detail text NOT NULL DEFAULT '',
    inbound_message_id bigint,
    outbound_message_id bigint,
    notification_id bigint,
    verzoek_id bigint,
    FOREIGN KEY (inbound_message_id, aansluiting_id) REFERENCES inbound_message (id, aansluiting_id),
    FOREIGN KEY (outbound_message_id, aansluiting_id) REFERENCES outbound_message (id, aansluiting_id),
    FOREIGN KEY (notification_id, aansluiting_id) REFERENCES notification (id, aansluiting_id),
    FOREIGN KEY (verzoek_id, aansluiting_id) REFERENCES verzoek (id, aansluiting_id)
);
COMMENT ON TABLE step IS 'The timeline that people see; append-only, nothing is decided on it.';
COMMENT ON COLUMN step.detail IS 'Ids only, never personal data.';
CREATE INDEX step_inbound_message ON step (inbound_message_id) WHERE inbound_message_id IS NOT NULL;
CREATE INDEX step_outbound_message ON step (outbound_message_id) WHERE outbound_message_id IS NOT NULL;
CREATE INDEX step_notification ON step (notification_id) WHERE notification_id IS NOT NULL;
CREATE INDEX step_verzoek ON step (verzoek_id) WHERE verzoek_id IS NOT NULL;
