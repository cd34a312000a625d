-- name: accounts
SELECT id, name, issuer, code_step IS NOT NULL AS has_code, created_at, last_in_at, disabled_at
FROM account
ORDER BY lower(name), id

-- name: account
SELECT id, name, issuer, code_step IS NOT NULL AS has_code, created_at, last_in_at, disabled_at
FROM account
WHERE id = %(account_id)s

-- name: grants
SELECT account_id, role, coalesce(organisatie_oin, '') AS oin
FROM account_grant
WHERE account_id = ANY(%(ids)s)
ORDER BY role, organisatie_oin NULLS FIRST

-- name: create
INSERT INTO account (name, password_hash, created_at)
VALUES (%(name)s, %(password_hash)s, %(now)s)
ON CONFLICT (lower(name)) WHERE issuer = '' DO NOTHING
RETURNING id

-- name: lock_local
SELECT id FROM account WHERE issuer = '' AND lower(name) = lower(%(name)s) FOR UPDATE

-- name: forget_grants
DELETE FROM account_grant WHERE account_id = %(account_id)s

-- name: grant
INSERT INTO account_grant (account_id, role, organisatie_oin) VALUES (%(account_id)s, %(role)s, %(oin)s)

-- name: organisaties
SELECT oin FROM organisatie WHERE oin = ANY(%(oins)s)

-- name: set_password
UPDATE account SET password_hash = %(password_hash)s WHERE id = %(account_id)s

-- name: set_disabled
UPDATE account SET disabled_at = %(at)s WHERE id = %(account_id)s

-- name: end_sessions
DELETE FROM session WHERE account_id = %(account_id)s

-- name: set_code
UPDATE account SET code_secret = %(code_secret)s, code_step = NULL WHERE id = %(account_id)s

-- name: credentials
SELECT
    id, name, issuer, code_step IS NOT NULL AS has_code, created_at, last_in_at, disabled_at, password_hash, code_secret
FROM account
WHERE issuer = '' AND lower(name) = lower(%(name)s) AND disabled_at IS NULL

-- name: use_code
UPDATE account
SET code_step = %(step)s
WHERE id = %(account_id)s AND code_secret IS NOT NULL AND coalesce(code_step < %(step)s, true)

-- name: provided
INSERT INTO account (name, issuer, subject, created_at)
VALUES (%(name)s, %(issuer)s, %(subject)s, %(now)s)
ON CONFLICT (issuer, subject) WHERE issuer <> '' DO UPDATE SET name = excluded.name
RETURNING id, disabled_at

-- name: open
INSERT INTO session (token_sha256, account_id, stage, began_at, seen_at)
VALUES (%(token)s, %(account_id)s, %(stage)s, %(now)s, %(now)s)

-- name: was_in
UPDATE account SET last_in_at = %(now)s WHERE id = %(account_id)s

-- name: session
SELECT session.account_id, session.stage, session.began_at, session.seen_at
FROM session
JOIN account ON account.id = session.account_id
WHERE session.token_sha256 = %(token)s AND session.began_at > %(began_after)s AND session.seen_at > %(seen_after)s
  AND account.disabled_at IS NULL

-- name: seen
UPDATE session SET seen_at = greatest(seen_at, %(now)s) WHERE token_sha256 = %(token)s

-- name: end
DELETE FROM session WHERE token_sha256 = %(token)s

-- name: attempt
INSERT INTO login_attempt (at, name_sha256, address) VALUES (%(now)s, %(name)s, %(address)s) RETURNING id

-- name: failures
-- Two counts, each by its own index: of this name, and of this address.
SELECT
    (SELECT count(*) FROM login_attempt
     WHERE failed AND name_sha256 = %(name)s AND at > %(since)s AND id < %(id)s) AS of_name,
    (SELECT count(*) FROM login_attempt
     WHERE failed AND name_sha256 = %(name)s AND at > %(since)s AND id < %(id)s
       AND address = %(address)s) AS of_name_here,
    (SELECT count(*) FROM login_attempt
     WHERE failed AND address = %(address)s AND at > %(since)s AND id < %(id)s) AS of_address

-- name: succeeded
UPDATE login_attempt
SET failed = false
FROM login_attempt AS right_one
WHERE right_one.id = %(id)s AND login_attempt.name_sha256 = right_one.name_sha256
  AND login_attempt.address = right_one.address AND login_attempt.failed

-- name: sweep_sessions
DELETE FROM session WHERE began_at <= %(began_before)s OR seen_at <= %(seen_before)s

-- name: sweep_attempts
DELETE FROM login_attempt WHERE at <= %(seen_before)s
