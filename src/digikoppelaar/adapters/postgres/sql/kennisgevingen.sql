-- name: draft
-- No row when there is one with this key.
INSERT INTO kennisgeving (
    aansluiting_id, referentienummer, moment, blad, number, document, state, origin_aansluiting_id, verzoeknummer,
    reason, advice
)
VALUES (
    %(aansluiting_id)s, %(referentienummer)s, %(moment)s, %(blad)s, %(number)s, %(document)s, 'draft',
    %(origin_aansluiting_id)s, %(verzoeknummer)s, %(reason)s, %(advice)s
)
ON CONFLICT (aansluiting_id, referentienummer, moment, blad, number) WHERE state <> 'cancelled' DO NOTHING
RETURNING *

-- name: with_key
SELECT *
FROM kennisgeving
WHERE aansluiting_id = %(aansluiting_id)s AND referentienummer = %(referentienummer)s AND moment = %(moment)s
  AND blad = %(blad)s AND number = %(number)s AND state <> 'cancelled'

-- name: kennisgeving
SELECT * FROM kennisgeving WHERE id = %(id)s

-- name: locked
SELECT * FROM kennisgeving WHERE id = %(id)s FOR UPDATE

-- name: kennisgevingen
SELECT *
FROM kennisgeving
WHERE (%(aansluiting_id)s::bigint IS NULL OR aansluiting_id = %(aansluiting_id)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(referentienummer)s::text IS NULL OR referentienummer = %(referentienummer)s)
  AND (%(verzoeknummer)s::text IS NULL OR verzoeknummer = %(verzoeknummer)s)
  AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC
LIMIT %(limit)s

-- name: log
SELECT at, event, state, by, detail FROM kennisgeving_log WHERE kennisgeving_id = %(id)s ORDER BY id

-- name: tell
INSERT INTO kennisgeving_log (aansluiting_id, kennisgeving_id, at, event, state, by, detail)
VALUES (%(aansluiting_id)s, %(id)s, %(at)s, %(event)s, %(state)s, %(by)s, %(detail)s)

-- name: moved
-- What is NULL stays as it was, but for reason and advice: they are about the present state.
UPDATE kennisgeving
SET state = %(state)s,
    document = coalesce(%(document)s, document),
    attempts = attempts + %(attempt)s,
    due_at = coalesce(%(due_at)s, due_at),
    begun_at = coalesce(%(begun_at)s, begun_at),
    dossiernummer = coalesce(%(dossiernummer)s, dossiernummer),
    publication = coalesce(%(publication)s, publication),
    publication_url = coalesce(%(publication_url)s, publication_url),
    published_on = coalesce(%(published_on)s, published_on),
    differences = coalesce(%(differences)s, differences),
    reason = %(reason)s,
    advice = %(advice)s
WHERE id = %(id)s
RETURNING *

-- name: tell_application
INSERT INTO telling (aansluiting_id, kennisgeving_id, state, at, due_at)
SELECT id, %(id)s, %(state)s, %(now)s, %(now)s
FROM aansluiting
WHERE id = %(aansluiting_id)s AND publishing ->> 'webhook_url' <> ''

-- name: hold_verzoek
SELECT id
FROM verzoek
WHERE aansluiting_id = %(origin_aansluiting_id)s AND verzoeknummer = %(verzoeknummer)s
ORDER BY id
FOR SHARE

-- name: tell_case_systems
INSERT INTO telling (aansluiting_id, kennisgeving_id, target, state, at, due_at)
SELECT DISTINCT verzoek.aansluiting_id, %(id)s::bigint, delivery.target, %(state)s, %(now)s::timestamptz, %(now)s::timestamptz
FROM verzoek
JOIN delivery ON delivery.verzoek_id = verzoek.id
WHERE verzoek.aansluiting_id = %(origin_aansluiting_id)s AND verzoek.verzoeknummer = %(verzoeknummer)s
  AND delivery.case_reference IS NOT NULL
ON CONFLICT (kennisgeving_id, target) WHERE target IS NOT NULL DO NOTHING

-- name: due
-- Those of an aansluiting that has room, in the order of their time. Two that ask at once get different ones.
SELECT kennisgeving.*
FROM kennisgeving
JOIN (
    SELECT id, row_number() OVER (PARTITION BY aansluiting_id ORDER BY due_at, id) AS rank, (
        SELECT count(*) FROM kennisgeving AS under_way
        WHERE under_way.aansluiting_id = kennisgeving.aansluiting_id AND under_way.state = 'sending'
    ) AS sending
    FROM kennisgeving
    WHERE state = 'planned' AND due_at <= %(now)s
) AS turn ON turn.id = kennisgeving.id
WHERE turn.rank + turn.sending <= %(per_aansluiting)s AND kennisgeving.state = 'planned'
ORDER BY kennisgeving.due_at, kennisgeving.id
LIMIT %(limit)s
FOR UPDATE OF kennisgeving SKIP LOCKED

-- name: began
-- One request may be sent many times, and is kept once. Nothing when it is sending no more, or this attempt is there.
WITH sending AS (
    SELECT id, aansluiting_id FROM kennisgeving
    WHERE id = %(id)s AND state = 'sending' AND attempts = %(number)s
), kept AS (
    INSERT INTO kennisgeving_request (aansluiting_id, kennisgeving_id, sha256, body)
    SELECT aansluiting_id, id, sha256(%(request)s::bytea), %(request)s FROM sending
    ON CONFLICT DO NOTHING
)
INSERT INTO kennisgeving_attempt (aansluiting_id, kennisgeving_id, number, stage, documenttype, begun_at, sha256)
SELECT aansluiting_id, id, %(number)s, %(stage)s, %(documenttype)s, %(now)s, sha256(%(request)s::bytea) FROM sending
ON CONFLICT DO NOTHING

-- name: answered
UPDATE kennisgeving_attempt
SET answered_at = %(now)s, status = %(status)s, answer = %(body)s, answer_size = %(size)s
WHERE kennisgeving_id = %(id)s AND number = %(number)s

-- name: attempts
SELECT
    number, stage, documenttype, begun_at, sha256 AS request_sha256, answered_at, status, answer_size,
    sha256(answer) AS answer_sha256
FROM kennisgeving_attempt
WHERE kennisgeving_id = %(id)s
ORDER BY number

-- name: exchange
SELECT request.body AS request, attempt.answer
FROM kennisgeving_attempt AS attempt
JOIN kennisgeving_request AS request USING (kennisgeving_id, sha256)
WHERE attempt.kennisgeving_id = %(id)s AND attempt.number = %(number)s

-- name: forsaken
SELECT * FROM kennisgeving WHERE state = 'sending' AND begun_at <= %(before)s ORDER BY id FOR UPDATE SKIP LOCKED

-- name: sought
SELECT *
FROM kennisgeving
WHERE state IN ('unknown', 'accepted') AND due_at <= %(now)s AND aansluiting_id <> ALL (%(but)s::bigint[])
ORDER BY due_at, id
LIMIT %(limit)s

-- name: look_again
UPDATE kennisgeving SET due_at = %(due_at)s WHERE id = %(id)s AND state IN ('unknown', 'accepted')

-- name: undrafted
SELECT verzoek.aansluiting_id, verzoek.verzoeknummer, aansluiting.omgeving, aansluiting.case_system, file.blob AS xml
FROM verzoek
JOIN aansluiting ON aansluiting.id = verzoek.aansluiting_id
JOIN verzoek_file AS file ON file.verzoek_id = verzoek.id AND file.kind = 'xml'
WHERE verzoek.state = 'delivered' AND verzoek.action = 'deliver_new'
  AND (%(verzoeknummer)s::text IS NULL OR verzoek.verzoeknummer = %(verzoeknummer)s)
  AND EXISTS (
    SELECT FROM aansluiting AS publishing
    WHERE publishing.kind = 'drop' AND publishing.omgeving = aansluiting.omgeving
  )
  AND NOT EXISTS (
    SELECT FROM kennisgeving
    WHERE origin_aansluiting_id = verzoek.aansluiting_id AND kennisgeving.verzoeknummer = verzoek.verzoeknummer
      AND (%(verzoeknummer)s::text IS NULL OR kennisgeving.state <> 'cancelled')
  )
  AND (%(verzoeknummer)s::text IS NOT NULL OR (file.blob IS NOT NULL AND NOT EXISTS (
    SELECT FROM no_kennisgeving AS none
    WHERE none.aansluiting_id = verzoek.aansluiting_id AND none.verzoeknummer = verzoek.verzoeknummer
  )))
ORDER BY verzoek.id
LIMIT %(limit)s OFFSET %(skip)s

-- name: none_for
INSERT INTO no_kennisgeving (aansluiting_id, verzoeknummer, reason, by, at)
VALUES (%(aansluiting_id)s, %(verzoeknummer)s, %(reason)s, %(by)s, %(now)s)
ON CONFLICT (aansluiting_id, verzoeknummer) DO UPDATE
SET reason = excluded.reason, by = excluded.by, at = excluded.at, advice = NULL, publisher_id = NULL
WHERE no_kennisgeving.advice IS NOT NULL

-- name: not_drafted
INSERT INTO no_kennisgeving (aansluiting_id, verzoeknummer, reason, advice, publisher_id, at)
VALUES (%(aansluiting_id)s, %(verzoeknummer)s, %(reason)s, %(advice)s, %(publisher_id)s, %(now)s)
ON CONFLICT (aansluiting_id, verzoeknummer) DO NOTHING
