-- name: new
INSERT INTO errand (aansluiting_id, kind, subject, state, begun_at, changed_at)
VALUES (%(aansluiting_id)s, %(kind)s, %(subject)s, %(state)s, %(now)s, %(now)s)
ON CONFLICT (aansluiting_id, kind, subject) DO NOTHING

-- name: lock
SELECT state, begun_at FROM errand
WHERE aansluiting_id = %(aansluiting_id)s AND kind = %(kind)s AND subject = %(subject)s
FOR UPDATE

-- name: begin
UPDATE errand SET state = %(state)s, begun_at = %(now)s, changed_at = %(now)s, reason = '', advice = ''
WHERE aansluiting_id = %(aansluiting_id)s AND kind = %(kind)s AND subject = %(subject)s

-- name: answered
UPDATE errand SET state = %(state)s, changed_at = %(now)s, outcome = %(outcome)s, reason = '', advice = ''
WHERE aansluiting_id = %(aansluiting_id)s AND kind = %(kind)s AND subject = %(subject)s

-- name: failed
UPDATE errand SET state = %(state)s, changed_at = %(now)s, reason = %(reason)s, advice = %(advice)s
WHERE aansluiting_id = %(aansluiting_id)s AND kind = %(kind)s AND subject = %(subject)s

-- name: errands
SELECT kind, subject, state, begun_at, changed_at, outcome, reason, advice
FROM errand
WHERE aansluiting_id = %(aansluiting_id)s
ORDER BY changed_at DESC, id DESC
