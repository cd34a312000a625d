-- name: insert
INSERT INTO intervention (aansluiting_id, verzoeknummer, name, detail, done_by, done_at)
VALUES (%(aansluiting_id)s, %(verzoeknummer)s, %(name)s, %(detail)s, %(done_by)s, %(done_at)s)
RETURNING id
