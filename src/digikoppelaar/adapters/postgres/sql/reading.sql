-- name: verzoeken
-- Versions, and notifications that led to none yet. A version that is being fetched shows the trouble of its
-- notification, for that is what is parked then.
SELECT
    listed.*, aansluiting.omgeving, aansluiting.organisatie_oin, organisatie.naam AS organisatie_naam
FROM (
    SELECT
        verzoek.id AS verzoek_id, NULL::bigint AS notification_id, verzoek.aansluiting_id, verzoek.verzoeknummer,
        verzoek.volgnummer, verzoek.type, verzoek.doel, verzoek.naam, verzoek.test,
        CASE WHEN verzoek.state = 'fetching' AND troubled.state = 'parked' THEN 'parked' ELSE verzoek.state END AS state,
        verzoek.received_at, verzoek.delivered_at, verzoek.case_reference,
        coalesce(verzoek.reason, troubled.reason) AS reason, coalesce(verzoek.advice, troubled.advice) AS advice,
        verzoek.purged_at
    FROM verzoek
    LEFT JOIN LATERAL (
        SELECT notification.state, notification.reason, notification.advice
        FROM notification
        WHERE notification.verzoek_id = verzoek.id AND notification.state <> 'fetched' AND verzoek.state = 'fetching'
        ORDER BY notification.id DESC
        LIMIT 1
    ) AS troubled ON true
    UNION ALL
    SELECT
        NULL, id, aansluiting_id, verzoeknummer, NULL, '', '', '', false, state, received_at, NULL, NULL, reason,
        advice, NULL
    FROM notification
    WHERE verzoek_id IS NULL
) AS listed
JOIN aansluiting ON aansluiting.id = listed.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
WHERE (%(aansluiting_id)s::bigint IS NULL OR listed.aansluiting_id = %(aansluiting_id)s)
  AND (%(verzoeknummer)s::text IS NULL OR listed.verzoeknummer = %(verzoeknummer)s)
  AND (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR aansluiting.organisatie_oin = %(organisatie_oin)s)
  AND (%(oins)s::text[] IS NULL OR aansluiting.organisatie_oin = ANY(%(oins)s))
  AND (%(state)s::text IS NULL OR listed.state = %(state)s)
  AND (%(before)s::timestamptz IS NULL OR listed.received_at < %(before)s)
ORDER BY listed.received_at DESC, listed.volgnummer DESC NULLS FIRST, listed.verzoek_id DESC
LIMIT %(limit)s

-- name: links
SELECT target, case_reference, linked_at, linked_by
FROM case_link
WHERE aansluiting_id = %(aansluiting_id)s AND lower(verzoeknummer) = lower(%(verzoeknummer)s)
ORDER BY target

-- name: interventions
SELECT done_at, done_by, name, detail
FROM intervention
WHERE aansluiting_id = %(aansluiting_id)s AND lower(verzoeknummer) = lower(%(verzoeknummer)s)
ORDER BY id

-- name: kennisgevingen
SELECT id, moment, blad, state, publication, publication_url, published_on
FROM kennisgeving
WHERE origin_aansluiting_id = %(aansluiting_id)s AND verzoeknummer = %(verzoeknummer)s
ORDER BY id

-- name: files
SELECT kind, document_id, naam, media_type, size, sha256, fetched_at
FROM verzoek_file
WHERE verzoek_id = %(verzoek_id)s
ORDER BY position, id

-- name: findings
SELECT findings FROM verzoek WHERE id = %(verzoek_id)s

-- name: steps_of_verzoek
-- What the rows of messages tell themselves is no step of its own: when it came in, and how its answer ended.
WITH about AS (
    SELECT id, inbound_message_id
    FROM notification
    WHERE verzoek_id = %(verzoek_id)s OR id = %(notification_id)s
)
SELECT told.at, told.name, told.detail
FROM (
    SELECT at, name, detail, id
    FROM step
    WHERE verzoek_id = %(verzoek_id)s OR notification_id IN (SELECT id FROM about)
    UNION ALL
    SELECT inbound.received_at, 'received', inbound.message_id, -1
    FROM about
    JOIN inbound_message AS inbound ON inbound.id = about.inbound_message_id
    UNION ALL
    SELECT answer.settled_at, 'outbound_' || answer.state, '', 0
    FROM about
    JOIN inbound_message AS inbound ON inbound.id = about.inbound_message_id
    JOIN outbound_message AS answer ON answer.id = inbound.answer_id
    WHERE answer.settled_at IS NOT NULL
) AS told
ORDER BY told.at, told.id

-- name: steps_of_message
SELECT told.at, told.name, told.detail
FROM (
    SELECT at, name, detail, id
    FROM step
    WHERE inbound_message_id = %(inbound_id)s OR outbound_message_id = %(outbound_id)s
    UNION ALL
    SELECT
        received_at, CASE WHEN error_code IS NULL THEN 'received' ELSE 'rejected' END, coalesce(error_code, message_id),
        -1
    FROM inbound_message
    WHERE id = %(inbound_id)s
    UNION ALL
    SELECT settled_at, 'outbound_' || state, '', 0
    FROM outbound_message
    WHERE id = %(outbound_id)s AND settled_at IS NOT NULL
) AS told
ORDER BY told.at, told.id

-- name: messages
SELECT
    message.*, aansluiting.omgeving, aansluiting.organisatie_oin, organisatie.naam AS organisatie_naam, cpa.cpa_id
FROM (
    SELECT
        'in' AS direction, id, aansluiting_id, cpa_row, message_id, conversation_id, ref_to_message_id, service,
        action, CASE WHEN error_code IS NULL THEN 'accepted' ELSE 'rejected' END AS state, received_at AS at,
        0 AS attempts, coalesce(error_code || ': ' || error_reason, error_code) AS reason
    FROM inbound_message
    UNION ALL
    SELECT
        'out', id, aansluiting_id, cpa_row, message_id, conversation_id, ref_to_message_id, service, action, state,
        timestamp, attempts, reason
    FROM outbound_message
) AS message
JOIN aansluiting ON aansluiting.id = message.aansluiting_id
JOIN organisatie ON organisatie.oin = aansluiting.organisatie_oin
JOIN cpa ON cpa.id = message.cpa_row
WHERE (%(direction)s::text IS NULL OR message.direction = %(direction)s)
  AND (%(id)s::bigint IS NULL OR message.id = %(id)s)
  AND (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR aansluiting.organisatie_oin = %(organisatie_oin)s)
  AND (%(oins)s::text[] IS NULL OR aansluiting.organisatie_oin = ANY(%(oins)s))
  AND (%(state)s::text IS NULL OR message.state = %(state)s)
  AND (%(message_id)s::text IS NULL OR message.message_id = %(message_id)s)
  AND (%(ref_to_message_id)s::text IS NULL OR message.ref_to_message_id = %(ref_to_message_id)s)
  AND (%(before)s::timestamptz IS NULL OR message.at < %(before)s)
ORDER BY message.at DESC, message.direction DESC, message.id DESC
LIMIT %(limit)s

-- name: messages_of_verzoek
-- What brought its notifications, and what was answered.
SELECT 'in' AS direction, inbound.id
FROM notification
JOIN inbound_message AS inbound ON inbound.id = notification.inbound_message_id
WHERE notification.id = ANY(%(notification_ids)s) OR notification.verzoek_id = ANY(%(verzoek_ids)s)
UNION
SELECT 'out', inbound.answer_id
FROM notification
JOIN inbound_message AS inbound ON inbound.id = notification.inbound_message_id
WHERE inbound.answer_id IS NOT NULL
  AND (notification.id = ANY(%(notification_ids)s) OR notification.verzoek_id = ANY(%(verzoek_ids)s))

-- name: inbound_content
SELECT inbound.content_type, inbound.document, inbound.purged_at, notification.verzoeknummer, cpa.document AS cpa, cpa.our_party_ids
FROM inbound_message AS inbound
JOIN cpa ON cpa.id = inbound.cpa_row
LEFT JOIN notification ON notification.inbound_message_id = inbound.id
WHERE inbound.id = %(id)s

-- name: outbound_content
SELECT content_type, body AS document, partner, endpoint, purged_at FROM outbound_message WHERE id = %(id)s

-- name: payloads
SELECT content_id, content_type, size, sha256 FROM payload WHERE inbound_message_id = %(id)s ORDER BY position

-- name: contents
SELECT content_id, content_type, size, sha256, data, blob, name, purged_at
FROM payload
WHERE inbound_message_id = %(id)s
ORDER BY position

-- name: attempts
SELECT number, started_at, ended_at, event, status, detail
FROM attempt
WHERE outbound_message_id = %(id)s
ORDER BY id

-- name: partners
-- What waits is found by the index of what is not settled; the rest is what senders noted.
WITH waiting AS (
    SELECT partner, count(*) AS waiting, min(timestamp) AS oldest, sum(attempts) AS attempts
    FROM outbound_message
    WHERE due_at IS NOT NULL
    GROUP BY partner
)
SELECT
    split_part(partner, '/', 1) AS omgeving, split_part(partner, '/', 2) AS party_id,
    coalesce(waiting.waiting, 0)::integer AS waiting, waiting.oldest,
    coalesce(waiting.attempts, 0)::integer AS attempts, coalesce(noted.failures, 0) AS failures,
    noted.last_success_at, noted.last_failure_at, noted.last_error
FROM waiting
FULL JOIN partner AS noted USING (partner)
ORDER BY waiting DESC, partner
