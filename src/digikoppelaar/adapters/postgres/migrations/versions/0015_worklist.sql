-- Which items of the worklist were told by mail (flows.worklist_mail); the items themselves are made each time.

ALTER TABLE organisatie ADD COLUMN worklist_mail text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN organisatie.worklist_mail IS 'Addresses to which its worklist is mailed.';

CREATE TABLE worklist_item (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisatie_oin oin NOT NULL REFERENCES organisatie,
    key text NOT NULL,
    opened_at timestamptz NOT NULL,
    claimed_at timestamptz,
    told_at timestamptz,
    closed_at timestamptz
);
COMMENT ON TABLE worklist_item IS 'An item that was seen, so that a mail about it goes once; closed when it is gone.';
COMMENT ON COLUMN worklist_item.key IS 'flows.worklist.Item.key.';
COMMENT ON COLUMN worklist_item.claimed_at IS 'Before its mail is sent; when that is not told soon, it is sent again.';
CREATE UNIQUE INDEX worklist_item_open ON worklist_item (organisatie_oin, key) WHERE closed_at IS NULL;

CREATE TABLE worklist_digest (
    organisatie_oin oin NOT NULL REFERENCES organisatie,
    day date NOT NULL,
    claimed_at timestamptz NOT NULL,
    told_at timestamptz,
    PRIMARY KEY (organisatie_oin, day)
);
COMMENT ON TABLE worklist_digest IS 'The mail of a day, Dutch time; told_at also when there was nothing to tell.';

-- When it last came in, or went out, is asked each minute.
CREATE INDEX notification_last ON notification (aansluiting_id, received_at);
CREATE INDEX notification_open ON notification (state, received_at) WHERE state IN ('received', 'parked');
CREATE INDEX verzoek_parked ON verzoek (aansluiting_id) WHERE state = 'parked';
CREATE INDEX delivery_last ON delivery (aansluiting_id, target, delivered_at) WHERE state = 'delivered';
