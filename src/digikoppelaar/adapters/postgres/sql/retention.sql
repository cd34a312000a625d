-- name: begin
-- One at a time looks, so that of two nodes one begins.
INSERT INTO retention_run (by, began_at)
SELECT %(by)s, %(now)s
WHERE %(unless)s::timestamptz IS NULL OR NOT EXISTS (
    SELECT FROM retention_run
    WHERE ended_at > %(unless)s OR (ended_at IS NULL AND began_at > %(cut_off)s AND began_at <= %(now)s)
)
RETURNING id

-- name: one_begins
SELECT pg_advisory_xact_lock(%(key)s)

-- name: ended
UPDATE retention_run SET ended_at = %(now)s WHERE id = %(id)s

-- name: due_verzoek
SELECT
    verzoek.id, verzoek.aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin, ended.ended_at,
    coalesce(aansluiting.retention_days, %(days)s) AS days, verzoek.verzoeknummer, verzoek.volgnummer,
    NULL AS message_id,
    (SELECT blob FROM verzoek_file WHERE verzoek_id = verzoek.id AND kind = 'xml' ORDER BY position LIMIT 1) AS xml
FROM ended_verzoek AS ended
JOIN verzoek ON verzoek.id = ended.id
JOIN aansluiting ON aansluiting.id = verzoek.aansluiting_id
WHERE ended.id > %(after)s AND (%(only)s::bigint IS NULL OR ended.id = %(only)s)
  AND ended.ended_at <= %(now)s - make_interval(days => coalesce(aansluiting.retention_days, %(days)s))
ORDER BY ended.id
LIMIT %(limit)s

-- name: due_notification
SELECT
    notification.id, notification.aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin, ended.ended_at,
    coalesce(aansluiting.retention_days, %(days)s) AS days, notification.verzoeknummer, NULL::integer AS volgnummer,
    NULL AS message_id, NULL AS xml
FROM ended_notification AS ended
JOIN notification ON notification.id = ended.id
JOIN aansluiting ON aansluiting.id = notification.aansluiting_id
WHERE ended.id > %(after)s AND (%(only)s::bigint IS NULL OR ended.id = %(only)s)
  AND notification.document IS NOT NULL
  AND ended.ended_at <= %(now)s - make_interval(days => coalesce(aansluiting.retention_days, %(days)s))
ORDER BY ended.id
LIMIT %(limit)s

-- name: due_inbound
SELECT
    message.id, message.aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin, ended.ended_at,
    coalesce(aansluiting.retention_days, %(days)s) AS days, NULL AS verzoeknummer, NULL::integer AS volgnummer,
    message.message_id, NULL AS xml
FROM ended_inbound AS ended
JOIN inbound_message AS message ON message.id = ended.id
JOIN aansluiting ON aansluiting.id = message.aansluiting_id
WHERE ended.id > %(after)s AND (%(only)s::bigint IS NULL OR ended.id = %(only)s)
  AND ended.ended_at <= %(now)s - make_interval(days => coalesce(aansluiting.retention_days, %(days)s))
ORDER BY ended.id
LIMIT %(limit)s

-- name: due_outbound
SELECT
    message.id, message.aansluiting_id, aansluiting.omgeving, aansluiting.organisatie_oin, ended.ended_at,
    coalesce(aansluiting.retention_days, %(days)s) AS days, NULL AS verzoeknummer, NULL::integer AS volgnummer,
    message.message_id, NULL AS xml
FROM ended_outbound AS ended
JOIN outbound_message AS message ON message.id = ended.id
JOIN aansluiting ON aansluiting.id = message.aansluiting_id
WHERE ended.id > %(after)s AND (%(only)s::bigint IS NULL OR ended.id = %(only)s)
  AND ended.ended_at <= %(now)s - make_interval(days => coalesce(aansluiting.retention_days, %(days)s))
ORDER BY ended.id
LIMIT %(limit)s

-- name: lock_verzoek
SELECT id FROM verzoek WHERE id = %(id)s FOR UPDATE

-- name: lock_notification
SELECT id FROM notification WHERE id = %(id)s FOR UPDATE

-- name: lock_inbound
SELECT id FROM inbound_message WHERE id = %(id)s FOR UPDATE

-- name: lock_outbound
SELECT id FROM outbound_message WHERE id = %(id)s FOR UPDATE

-- name: insert_purge
INSERT INTO purge (
    run_id, aansluiting_id, what, verzoek_id, notification_id, inbound_message_id, outbound_message_id, recorded_at
)
VALUES (
    %(run_id)s, %(aansluiting_id)s, %(what)s, %(verzoek_id)s, %(notification_id)s, %(inbound_id)s, %(outbound_id)s,
    %(now)s
)
RETURNING id

-- name: insert_contents
INSERT INTO purged_content (purge_id, position, kind, size, sha256, blob)
SELECT %(purge_id)s, content.*
FROM unnest(
    %(positions)s::integer[], %(kinds)s::text[], %(sizes)s::bigint[], %(sha256s)s::bytea[], %(blobs)s::text[]
) AS content

-- name: contents_verzoek
SELECT kind, size, sha256, blob
FROM verzoek_file
WHERE verzoek_id = %(id)s AND blob IS NOT NULL
ORDER BY position, id

-- name: contents_notification
SELECT 'notification' AS kind, octet_length(document)::bigint AS size, sha256(document) AS sha256, NULL AS blob
FROM notification
WHERE id = %(id)s AND document IS NOT NULL

-- name: contents_inbound
SELECT 'payload' AS kind, size, sha256, blob
FROM payload
WHERE inbound_message_id = %(id)s AND purged_at IS NULL
ORDER BY position

-- name: contents_outbound
SELECT 'body' AS kind, octet_length(body)::bigint AS size, sha256(body) AS sha256, NULL AS blob, 0 AS at
FROM outbound_message
WHERE id = %(id)s
UNION ALL
SELECT 'payload', (hole ->> 'size')::bigint, NULL, hole ->> 'blob', (hole ->> 'at')::integer + 1
FROM outbound_message, jsonb_array_elements(holes) AS hole
WHERE id = %(id)s
ORDER BY at

-- name: empty_verzoek
UPDATE verzoek SET naam = '', purged_at = %(now)s WHERE id = %(id)s

-- name: empty_files
UPDATE verzoek_file SET naam = '', href = '', blob = NULL, purged_at = %(now)s WHERE verzoek_id = %(id)s

-- name: empty_notification
UPDATE notification SET document = NULL WHERE id = %(id)s

-- name: empty_inbound
UPDATE inbound_message SET purged_at = %(now)s WHERE id = %(id)s

-- name: empty_payloads
UPDATE payload SET data = NULL, blob = NULL, name = NULL, purged_at = %(now)s WHERE inbound_message_id = %(id)s

-- name: outbound_body
SELECT content_type, body FROM outbound_message WHERE id = %(id)s

-- name: empty_outbound
UPDATE outbound_message
SET content_type = %(content_type)s, body = %(document)s, holes = '[]', purged_at = %(now)s
WHERE id = %(id)s

-- name: insert_step
INSERT INTO step (
    aansluiting_id, name, at, detail, verzoek_id, notification_id, inbound_message_id, outbound_message_id
)
VALUES (
    %(aansluiting_id)s, 'purged', %(now)s, %(detail)s, %(verzoek_id)s, %(notification_id)s, %(inbound_id)s,
    %(outbound_id)s
)

-- name: keep_set
INSERT INTO fingerprint_set (verzoek_id, aansluiting_id, key_id, made_at, expires_at)
VALUES (%(id)s, %(aansluiting_id)s, %(key_id)s, %(now)s, %(expires_at)s)

-- name: drop_set
DELETE FROM fingerprint_set WHERE verzoek_id = %(id)s

-- name: keep_fingerprints
INSERT INTO fingerprint (verzoek_id, kind, digest)
SELECT %(id)s, kept.* FROM unnest(%(kinds)s::text[], %(digests)s::bytea[]) AS kept

-- name: unnamed
-- A blob may be in a row of any of the three tables; each has an index of what it names.
SELECT name FROM unnest(%(names)s::text[]) AS name
EXCEPT
SELECT blob FROM verzoek_file WHERE blob = ANY(%(names)s)
EXCEPT
SELECT blob FROM payload WHERE blob = ANY(%(names)s)
EXCEPT
SELECT hole ->> 'blob' FROM outbound_message, jsonb_array_elements(holes) AS hole WHERE holes <> '[]'

-- name: unfinished
SELECT
    purge.id, purge.recorded_at, coalesce(sum(content.size), 0)::bigint AS size,
    coalesce(array_agg(content.blob ORDER BY content.position) FILTER (WHERE content.blob IS NOT NULL), '{}') AS blobs
FROM purge
LEFT JOIN purged_content AS content ON content.purge_id = purge.id
WHERE purge.completed_at IS NULL
GROUP BY purge.id
ORDER BY purge.id

-- name: completed
UPDATE purge SET completed_at = coalesce(completed_at, %(now)s) WHERE id = %(id)s

-- name: purges
SELECT
    purge.id, purge.run_id, purge.what, aansluiting.omgeving, aansluiting.organisatie_oin,
    coalesce(verzoek.verzoeknummer, notification.verzoeknummer) AS verzoeknummer,
    verzoek.volgnummer, coalesce(inbound.message_id, outbound.message_id) AS message_id, purge.recorded_at,
    purge.completed_at,
    (
        SELECT jsonb_agg(
            jsonb_build_object('kind', kind, 'size', size, 'sha256', encode(sha256, 'hex'), 'blob', blob)
            ORDER BY position
        )
        FROM purged_content
        WHERE purge_id = purge.id
    ) AS contents
FROM purge
LEFT JOIN aansluiting ON aansluiting.id = purge.aansluiting_id
LEFT JOIN verzoek ON verzoek.id = purge.verzoek_id
LEFT JOIN notification ON notification.id = purge.notification_id
LEFT JOIN inbound_message AS inbound ON inbound.id = purge.inbound_message_id
LEFT JOIN outbound_message AS outbound ON outbound.id = purge.outbound_message_id
WHERE (%(verzoeknummer)s::text IS NULL OR %(verzoeknummer)s IN (verzoek.verzoeknummer, notification.verzoeknummer))
  AND (%(message_id)s::text IS NULL OR %(message_id)s IN (inbound.message_id, outbound.message_id))
  AND (%(what)s::text IS NULL OR purge.what = %(what)s)
  AND (%(run_id)s::bigint IS NULL OR purge.run_id = %(run_id)s)
ORDER BY purge.id DESC
LIMIT %(limit)s

-- name: kept
-- What is older than its period, has content, and is not in one of the views of what has ended. NOT IN, for it is
-- linear whatever the planner believes. The shortest period is there so that what is younger is not held against them.
SELECT
    old.aansluiting_id, old.what, aansluiting.omgeving, aansluiting.organisatie_oin, old.verzoeknummer,
    old.volgnummer, old.message_id, old.state, old.since, old.reason, old.advice
FROM (
    SELECT
        'verzoek' AS what, aansluiting_id, verzoeknummer, volgnummer, NULL AS message_id, state,
        received_at AS since, reason, advice
    FROM verzoek
    WHERE purged_at IS NULL AND id NOT IN (SELECT id FROM ended_verzoek)
    UNION ALL
    SELECT
        'notification', aansluiting_id, verzoeknummer, NULL, NULL, state, received_at, reason, advice
    FROM notification
    WHERE verzoek_id IS NULL AND state NOT IN ('fetched', 'passed_on')
    UNION ALL
    SELECT 'inbound', message.aansluiting_id, NULL, NULL, message_id, 'received', received_at, NULL, NULL
    FROM inbound_message AS message
    JOIN cpa ON cpa.id = message.cpa_row
    WHERE cpa.consumer <> 'intake' AND message.id IN (SELECT inbound_message_id FROM payload WHERE purged_at IS NULL)
      AND message.id NOT IN (SELECT id FROM ended_inbound)
    UNION ALL
    SELECT 'outbound', aansluiting_id, NULL, NULL, message_id, state, timestamp, reason, NULL
    FROM outbound_message
    WHERE purged_at IS NULL AND submission IS NOT NULL AND id NOT IN (SELECT id FROM ended_outbound)
) AS old
JOIN aansluiting ON aansluiting.id = old.aansluiting_id
WHERE old.since <= %(now)s - make_interval(days => coalesce(aansluiting.retention_days, %(days)s))
  AND old.since <= %(now)s - make_interval(days => (SELECT min(coalesce(retention_days, %(days)s)) FROM aansluiting))
ORDER BY old.since, old.verzoeknummer, old.volgnummer

-- name: forget
DELETE FROM fingerprint_set WHERE expires_at <= %(now)s

-- name: keys_in_use
SELECT DISTINCT key_id FROM fingerprint_set

-- name: versions
SELECT
    verzoek.volgnummer,
    (SELECT blob FROM verzoek_file WHERE verzoek_id = verzoek.id AND kind = 'xml' ORDER BY position LIMIT 1) AS xml,
    kept.key_id, kept.expires_at,
    coalesce(
        (SELECT jsonb_agg(jsonb_build_array(kind, encode(digest, 'hex'))) FROM fingerprint WHERE verzoek_id = verzoek.id),
        '[]'
    ) AS fingerprints
FROM verzoek
LEFT JOIN fingerprint_set AS kept ON kept.verzoek_id = verzoek.id
WHERE verzoek.aansluiting_id = %(aansluiting_id)s AND verzoek.verzoeknummer = %(verzoeknummer)s
ORDER BY verzoek.volgnummer
