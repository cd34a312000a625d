-- name: notification
SELECT
    notification.id AS notification_id, notification.verzoeknummer, notification.received_at, notification.state,
    notification.withdrawal, notification.stopped, notification.intervention_id IS NOT NULL AS again,
    aansluiting.*, organisatie.naam AS organisatie_naam
FROM notification
JOIN aansluiting ON aansluiting.id = notification.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE notification.id = %(id)s

-- name: insert_announced
INSERT INTO notification (aansluiting_id, file_sha256, document, verzoeknummer, withdrawal, received_at, state)
VALUES (
    %(aansluiting_id)s, sha256(%(document)s), %(document)s, %(verzoeknummer)s, %(withdrawal)s, %(now)s, %(state)s
)
ON CONFLICT (aansluiting_id, file_sha256) DO NOTHING
RETURNING id, aansluiting_id, verzoeknummer

-- name: original
-- Of one that came over ebMS the first payload, which is what was read when it came.
SELECT coalesce(notification.document, payload.data) AS document, payload.blob
FROM notification
LEFT JOIN LATERAL (
    SELECT data, blob
    FROM payload
    WHERE payload.inbound_message_id = notification.inbound_message_id
    ORDER BY position
    LIMIT 1
) AS payload ON true
WHERE notification.id = %(id)s

-- name: passed_on
UPDATE notification
SET state = %(state)s, passed_on_at = %(now)s, reason = NULL, advice = NULL
WHERE id = %(id)s

-- name: verzoek
SELECT
    verzoek.id AS verzoek_id, verzoek.verzoeknummer, verzoek.volgnummer, verzoek.type, verzoek.doel, verzoek.naam,
    verzoek.test, verzoek.state, verzoek.case_reference, verzoek.action, verzoek.rule, verzoek.lapsed,
    verzoek.purged_at,
    aansluiting.*, organisatie.naam AS organisatie_naam,
    coalesce((
        SELECT jsonb_agg(
            jsonb_build_object(
                'id', id, 'kind', kind, 'document_id', document_id, 'naam', naam, 'media_type', media_type,
                'href', href, 'blob', blob, 'size', size, 'sha256', encode(sha256, 'hex')
            )
            ORDER BY position, id
        )
        FROM verzoek_file
        WHERE verzoek_file.verzoek_id = verzoek.id
    ), '[]') AS files
FROM verzoek
JOIN aansluiting ON aansluiting.id = verzoek.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE verzoek.id = %(id)s

-- name: lock_notification
SELECT id, aansluiting_id, verzoeknummer, received_at, state, stopped
FROM notification
WHERE id = %(id)s
FOR UPDATE

-- name: lock_verzoek
SELECT id, aansluiting_id, verzoeknummer, volgnummer, state, stopped FROM verzoek WHERE id = %(id)s FOR UPDATE

-- name: insert_verzoek
INSERT INTO verzoek (
    aansluiting_id, verzoeknummer, volgnummer, type, doel, naam, indien_datum, test, state, received_at,
    action, rule, rule_reason, rule_advice, lapsed, findings, stopped
)
VALUES (
    %(aansluiting_id)s, %(verzoeknummer)s, %(volgnummer)s, %(type)s, %(doel)s, %(naam)s, %(indien_datum)s, %(test)s,
    %(state)s, %(received_at)s, %(action)s, %(rule)s, %(rule_reason)s, %(rule_advice)s, %(lapsed)s,
    %(findings)s,
    EXISTS (
        SELECT FROM notification
        WHERE aansluiting_id = %(aansluiting_id)s AND stopped AND state = 'parked'
          AND lower(verzoeknummer) = lower(%(verzoeknummer)s)
    )
)
RETURNING id

-- name: take_up
-- As DSO-LV has it now. A bijlage that is here stays, for its id says what it is; everything else is fetched anew, under
-- ids of its own, so that nobody records what came before. Blobs that no row names any more are leftovers of retention.
WITH gone AS (
    DELETE FROM verzoek_file
    WHERE verzoek_id = %(id)s
      AND NOT (kind = 'bijlage' AND purged_at IS NULL AND document_id = ANY(%(bijlagen)s::text[]))
), told AS (
    INSERT INTO step (aansluiting_id, name, at, detail, verzoek_id)
    VALUES (%(aansluiting_id)s, %(name)s, %(now)s, %(rule_reason)s, %(id)s)
)
UPDATE verzoek
SET type = %(type)s, doel = %(doel)s, naam = %(naam)s, indien_datum = %(indien_datum)s, test = %(test)s,
    state = %(state)s, action = %(action)s, rule = %(rule)s, rule_reason = %(rule_reason)s,
    rule_advice = %(rule_advice)s, lapsed = %(lapsed)s, findings = %(findings)s, fetched_at = NULL, purged_at = NULL,
    reason = NULL, advice = NULL,
    stopped = stopped OR EXISTS (
        SELECT FROM notification
        WHERE aansluiting_id = %(aansluiting_id)s AND stopped AND state = 'parked'
          AND lower(verzoeknummer) = lower(%(verzoeknummer)s)
    )
WHERE id = %(id)s

-- name: start
-- A file that is there stays as it is, with what was fetched of it.
WITH added AS (
    INSERT INTO verzoek_file (aansluiting_id, verzoek_id, position, kind, document_id, naam, media_type, href)
    SELECT %(aansluiting_id)s, %(verzoek_id)s, position, kind, document_id, naam, media_type, href
    FROM jsonb_to_recordset(%(files)s) AS file (
        position integer, kind text, document_id text, naam text, media_type text, href text
    )
    ORDER BY position
    ON CONFLICT (aansluiting_id, verzoek_id, kind, document_id) DO NOTHING
)
UPDATE notification SET verzoek_id = %(verzoek_id)s WHERE id = %(id)s

-- name: files_fetched
-- The first counts: what another attempt recorded may be in the case folder already.
WITH new AS (
    SELECT *
    FROM unnest(%(ids)s::bigint[], %(blobs)s::text[], %(sizes)s::bigint[], %(hashes)s::bytea[])
        AS new (id, blob, size, sha256)
), recorded AS (
    UPDATE verzoek_file AS file
    SET blob = new.blob, size = new.size, sha256 = new.sha256, fetched_at = %(now)s
    FROM new
    WHERE file.id = new.id AND file.fetched_at IS NULL
      AND (SELECT count(*) FROM verzoek_file WHERE id = ANY(%(ids)s)) = cardinality(%(ids)s::bigint[])
    RETURNING file.id, file.aansluiting_id, file.verzoek_id, file.kind, file.document_id
), told AS (
    INSERT INTO step (aansluiting_id, name, at, detail, verzoek_id)
    SELECT aansluiting_id, 'file_fetched', %(now)s, kind || ' ' || document_id, verzoek_id
    FROM recorded
    ORDER BY id
)
SELECT file.id, recorded.id IS NOT NULL AS recorded
FROM verzoek_file AS file
LEFT JOIN recorded ON recorded.id = file.id
WHERE file.id = ANY(%(ids)s)

-- name: file_replaced
UPDATE verzoek_file
SET blob = %(blob)s, size = %(size)s, sha256 = %(sha256)s, fetched_at = %(now)s
WHERE id = %(id)s AND blob = %(gone)s

-- name: notification_fetched
UPDATE notification
SET state = %(state)s, verzoek_id = %(verzoek_id)s, reason = NULL, advice = NULL
WHERE id = %(id)s

-- name: trouble_of_notification
UPDATE notification SET state = %(state)s, reason = %(reason)s, advice = %(advice)s WHERE id = %(id)s

-- name: trouble_of_verzoek
UPDATE verzoek SET state = %(state)s, reason = %(reason)s, advice = %(advice)s WHERE id = %(id)s

-- name: lock_parked_notifications
-- Also what led to a version of this verzoek under another spelling. Without a number there is nothing to fetch.
SELECT id, aansluiting_id, verzoeknummer, state, NULL::integer AS volgnummer, reason
FROM notification
WHERE aansluiting_id = %(aansluiting_id)s AND state = 'parked' AND verzoeknummer <> ''
  AND (
      verzoeknummer = %(verzoeknummer)s
      OR verzoek_id = ANY(ARRAY(
          SELECT id FROM verzoek WHERE aansluiting_id = %(aansluiting_id)s AND verzoeknummer = %(verzoeknummer)s
      ))
  )
ORDER BY id
FOR UPDATE

-- name: lock_parked_verzoeken
SELECT id, aansluiting_id, verzoeknummer, state, volgnummer, reason
FROM verzoek
WHERE aansluiting_id = %(aansluiting_id)s AND state = 'parked' AND verzoeknummer = %(verzoeknummer)s
ORDER BY id
FOR UPDATE

-- name: release_notification
UPDATE notification SET state = %(state)s, stopped = false, reason = NULL, advice = NULL WHERE id = %(id)s

-- name: let_go
-- What a person parked before it was whole, too.
UPDATE verzoek
SET stopped = false
WHERE aansluiting_id = %(aansluiting_id)s AND verzoeknummer = %(verzoeknummer)s AND stopped

-- name: insert_step
INSERT INTO step (aansluiting_id, name, at, detail, notification_id, verzoek_id)
VALUES (%(aansluiting_id)s, %(name)s, %(at)s, %(detail)s, %(notification_id)s, %(verzoek_id)s)

-- name: insert_file_step
INSERT INTO step (aansluiting_id, name, at, detail, verzoek_id)
SELECT aansluiting_id, 'file_fetched', %(now)s, kind || ' ' || document_id, verzoek_id
FROM verzoek_file
WHERE id = %(id)s
