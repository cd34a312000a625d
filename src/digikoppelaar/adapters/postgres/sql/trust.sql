-- name: crls
SELECT source, document, tried_at, problem FROM crl WHERE omgeving = %(omgeving)s ORDER BY source

-- name: keep_crl
INSERT INTO crl (omgeving, source, document, issuer, this_update, next_update, tried_at)
VALUES (%(omgeving)s, %(source)s, %(document)s, %(issuer)s, %(this_update)s, %(next_update)s, %(now)s)
ON CONFLICT (omgeving, source) DO UPDATE
SET document = excluded.document, issuer = excluded.issuer, this_update = excluded.this_update,
    next_update = excluded.next_update
WHERE crl.document IS NULL OR crl.this_update < excluded.this_update
RETURNING source

-- name: crl_tried
INSERT INTO crl (omgeving, source, tried_at, problem)
VALUES (%(omgeving)s, %(source)s, %(now)s, %(problem)s)
ON CONFLICT (omgeving, source) DO UPDATE SET tried_at = excluded.tried_at, problem = excluded.problem

-- name: forget_crls
DELETE FROM crl WHERE omgeving = %(omgeving)s AND source <> ALL (%(sources)s)

-- name: tell_once
INSERT INTO expiry_told (kind, omgeving, name, ends_at, threshold, told_at)
VALUES (%(kind)s, %(omgeving)s, %(name)s, %(ends_at)s, %(threshold)s, %(now)s)
ON CONFLICT DO NOTHING
RETURNING name
