-- Certificates by use, and CRLs that the nodes share.

-- The main number of an OIN may hold letters (3.2); only the prefix of eight positions has to be digits.
ALTER DOMAIN oin DROP CONSTRAINT oin_check;
ALTER DOMAIN oin ADD CONSTRAINT oin_check CHECK (VALUE ~ '^[0-9]{8}[0-9A-Za-z]{12}$');

ALTER TABLE certificate DROP CONSTRAINT certificate_use_check;
ALTER TABLE certificate ADD CONSTRAINT certificate_use_check
    CHECK (use IN ('tls-server', 'tls-client', 'sign', 'decrypt'));
-- A renewal has two files for one use side by side.
ALTER TABLE certificate DROP CONSTRAINT certificate_pkey;
ALTER TABLE certificate ADD PRIMARY KEY (partij_oin, omgeving, use, certificate_file);
ALTER TABLE certificate ALTER COLUMN key_file DROP NOT NULL;
ALTER TABLE certificate ADD COLUMN password_file text;
COMMENT ON COLUMN certificate.key_file IS 'Null: certificate_file is PKCS#12 and holds the key too.';
COMMENT ON COLUMN certificate.password_file IS 'Its first line opens the key. Never the password itself.';

CREATE TABLE crl (
    omgeving omgeving NOT NULL,
    source text NOT NULL,
    document bytea,
    issuer text,
    this_update timestamptz,
    next_update timestamptz,
    tried_at timestamptz NOT NULL,
    problem text,
    PRIMARY KEY (omgeving, source),
    CHECK (num_nulls(document, issuer, this_update, next_update) IN (0, 4))
);
COMMENT ON TABLE crl IS 'The latest CRL of each source that was signed by an authority we trust, for all nodes.';
COMMENT ON COLUMN crl.source IS 'URL.';
COMMENT ON COLUMN crl.document IS 'DER; null when none ever came.';
COMMENT ON COLUMN crl.problem IS 'Why the last attempt gave nothing; what was there before stays.';

CREATE TABLE expiry_told (
    kind text NOT NULL,
    omgeving omgeving NOT NULL,
    name text NOT NULL,
    ends_at timestamptz NOT NULL,
    threshold integer NOT NULL CHECK (threshold >= 0),
    told_at timestamptz NOT NULL,
    PRIMARY KEY (kind, omgeving, name, ends_at, threshold)
);
COMMENT ON TABLE expiry_told IS 'Which end of a certificate or CPA was told, and at how many days before it.';
