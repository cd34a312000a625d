-- Who may log in, what each may (flows.access), and who is logged in (flows.login).

CREATE TABLE account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    issuer text NOT NULL DEFAULT '',
    subject text NOT NULL DEFAULT '',
    password_hash text,
    code_secret bytea,
    code_step bigint,
    created_at timestamptz NOT NULL,
    last_in_at timestamptz,
    disabled_at timestamptz,
    CHECK ((issuer = '') = (subject = '')),
    CHECK ((issuer = '') = (password_hash IS NOT NULL)),
    CHECK (code_secret IS NOT NULL OR code_step IS NULL)
);
COMMENT ON TABLE account IS 'Somebody who may log in: with a password, or by the word of an identity provider.';
COMMENT ON COLUMN account.code_secret IS 'Of the second factor; sealed with a key that is not in the database.';
COMMENT ON COLUMN account.code_step IS 'Time step of the last code that was used; none: no code was ever right.';
CREATE UNIQUE INDEX account_local ON account (lower(name)) WHERE issuer = '';
CREATE UNIQUE INDEX account_provided ON account (issuer, subject) WHERE issuer <> '';

CREATE TABLE account_grant (
    account_id bigint NOT NULL REFERENCES account,
    role text NOT NULL CHECK (role IN ('beheerder', 'behandelaar', 'publiceren', 'lezer')),
    organisatie_oin oin REFERENCES organisatie
);
COMMENT ON TABLE account_grant IS 'What an account is for an organisatie; without one: for all, also those to come.';
CREATE UNIQUE INDEX account_grant_once ON account_grant (account_id, role, coalesce(organisatie_oin, ''));

CREATE TABLE session (
    token_sha256 bytea PRIMARY KEY CHECK (length(token_sha256) = 32),
    account_id bigint NOT NULL REFERENCES account,
    stage text NOT NULL CHECK (stage IN ('code', 'enrol', 'in')),
    began_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);
COMMENT ON TABLE session IS 'A browser that logs in or is logged in; who reads this cannot use it.';
CREATE INDEX session_account ON session (account_id);

CREATE TABLE login_attempt (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    name_sha256 bytea NOT NULL CHECK (length(name_sha256) = 32),
    address text NOT NULL,
    failed boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE login_attempt IS 'Who tried to log in, kept as long as failures are counted.';
COMMENT ON COLUMN login_attempt.name_sha256 IS 'Of what was typed as name: it may be a password.';
CREATE INDEX login_attempt_name ON login_attempt (name_sha256, at) WHERE failed;
CREATE INDEX login_attempt_address ON login_attempt (address, at) WHERE failed;

ALTER TABLE view_log DROP CONSTRAINT view_log_viewer_kind_check;
ALTER TABLE view_log ADD CONSTRAINT view_log_viewer_kind_check
    CHECK (viewer_kind IN ('os-user', 'api-key', 'pagina', 'account'));
