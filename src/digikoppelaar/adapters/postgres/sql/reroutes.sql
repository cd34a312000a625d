-- name: note
INSERT INTO step (aansluiting_id, name, at, detail, notification_id, verzoek_id)
SELECT aansluiting_id, %(step)s, %(now)s, %(detail)s, id, verzoek_id
FROM notification
WHERE aansluiting_id = %(aansluiting_id)s AND verzoeknummer = %(verzoeknummer)s
ORDER BY id DESC
LIMIT 1
