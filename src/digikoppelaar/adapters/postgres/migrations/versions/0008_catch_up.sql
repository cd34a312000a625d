-- Searching DSO-LV for verzoeken whose notification never came (flows.catch_up), and the report of each day.

CREATE TABLE area (
    organisatie_oin oin PRIMARY KEY REFERENCES organisatie,
    geometry jsonb NOT NULL,
    sha256 digest NOT NULL,
    source text NOT NULL,
    imported_at timestamptz NOT NULL
);
COMMENT ON TABLE area IS 'Where the verzoeken of an organisatie lie.';
COMMENT ON COLUMN area.geometry IS 'GeoJSON MultiPolygon in RD; of a behandeldienst the union of its municipalities.';

CREATE TABLE catch_up_search (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aansluiting_id bigint NOT NULL REFERENCES aansluiting,
    area_sha256 digest NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    covers boolean NOT NULL,
    began_at timestamptz NOT NULL,
    ended_at timestamptz,
    complete boolean NOT NULL DEFAULT false,
    seen integer CHECK (seen >= 0),
    reason text,
    advice text,
    UNIQUE (id, aansluiting_id),
    CHECK (since < until),
    CHECK (complete = (seen IS NOT NULL) AND (NOT complete OR ended_at IS NOT NULL))
);
COMMENT ON TABLE catch_up_search IS 'One without ended_at was cut off: it does not count.';
COMMENT ON COLUMN catch_up_search.covers IS 'Nothing lies between it and the last complete one before it.';
COMMENT ON COLUMN catch_up_search.seen IS 'Verzoeken that DSO-LV named, of other authorities too; only their number is kept.';
CREATE INDEX catch_up_search_aansluiting ON catch_up_search (aansluiting_id, began_at);

CREATE TABLE verwijzing (
    aansluiting_id bigint NOT NULL,
    verzoeknummer text NOT NULL,
    volgnummer integer NOT NULL,
    doel text NOT NULL,
    catch_up_search_id bigint NOT NULL,
    found_at timestamptz NOT NULL,
    PRIMARY KEY (aansluiting_id, verzoeknummer, volgnummer, doel),
    FOREIGN KEY (catch_up_search_id, aansluiting_id) REFERENCES catch_up_search (id, aansluiting_id)
);
COMMENT ON TABLE verwijzing IS 'What a search found of ours, missed or not, once: DSO-LV has it.';
COMMENT ON COLUMN verwijzing.volgnummer IS '-1 when DSO-LV did not say it.';
CREATE INDEX verwijzing_found_at ON verwijzing (aansluiting_id, found_at);

-- A notification may also be our own, after a search.
ALTER TABLE notification
    ADD COLUMN catch_up_search_id bigint,
    ADD FOREIGN KEY (catch_up_search_id, aansluiting_id) REFERENCES catch_up_search (id, aansluiting_id),
    DROP CONSTRAINT notification_check,
    ADD CHECK (num_nonnulls(inbound_message_id, file_sha256, catch_up_search_id) = 1),
    ADD COLUMN origin text NOT NULL GENERATED ALWAYS AS (
        CASE
            WHEN inbound_message_id IS NOT NULL THEN 'ebms'
            WHEN file_sha256 IS NOT NULL THEN 'file'
            ELSE 'catch-up'
        END
    ) STORED;
COMMENT ON COLUMN notification.origin IS 'How we know of it.';

CREATE TABLE daily_report (
    aansluiting_id bigint NOT NULL REFERENCES aansluiting,
    day date NOT NULL,
    report jsonb NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (aansluiting_id, day)
);
COMMENT ON TABLE daily_report IS 'flows.ports.catch_up.DayReport: what was found, came in and was delivered.';
COMMENT ON COLUMN daily_report.day IS 'Of Dutch time.';
