-- Who saw personal data (flows.views).

CREATE TABLE view_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    viewer_kind text NOT NULL CHECK (viewer_kind IN ('os-user', 'api-key', 'pagina')),
    viewer text NOT NULL,
    way text NOT NULL,
    omgeving omgeving NOT NULL,
    organisatie_oin oin NOT NULL,
    verzoeknummer text,
    message_id text,
    CHECK (num_nonnulls(verzoeknummer, message_id) > 0)
);
COMMENT ON TABLE view_log IS 'Every view of personal data, written before the data is shown; append-only.';
COMMENT ON COLUMN view_log.viewer IS 'Account, prefix of an API key, or address: see viewer_kind.';
CREATE INDEX view_log_verzoeknummer ON view_log (verzoeknummer, id) WHERE verzoeknummer IS NOT NULL;

-- Not even by mistake: no code changes it, and neither does a person who can only use the tables.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER view_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON view_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
