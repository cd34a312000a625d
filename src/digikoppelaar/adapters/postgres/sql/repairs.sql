-- name: versions
SELECT id
FROM verzoek
WHERE aansluiting_id = %(aansluiting_id)s AND verzoeknummer = %(verzoeknummer)s
  AND (%(volgnummer)s::integer IS NULL OR volgnummer = %(volgnummer)s)
ORDER BY volgnummer

-- name: going_notifications
SELECT id, aansluiting_id, verzoeknummer, state, NULL::integer AS volgnummer
FROM notification
WHERE aansluiting_id = %(aansluiting_id)s AND state NOT IN ('fetched', 'passed_on') AND NOT stopped AND %(volgnummer)s::integer IS NULL
  AND verzoeknummer <> ''
  AND (
      verzoeknummer = %(verzoeknummer)s
      OR verzoek_id = ANY(ARRAY(
          SELECT id FROM verzoek WHERE aansluiting_id = %(aansluiting_id)s AND verzoeknummer = %(verzoeknummer)s
      ))
  )
ORDER BY id
FOR UPDATE

-- name: going_versions
SELECT id, aansluiting_id, verzoeknummer, state, volgnummer
FROM verzoek
WHERE aansluiting_id = %(aansluiting_id)s AND verzoeknummer = %(verzoeknummer)s AND state = ANY(%(going)s)
  AND (%(volgnummer)s::integer IS NULL OR volgnummer = %(volgnummer)s)
  AND (NOT stopped OR %(target)s::text IS NOT NULL)
  AND (%(target)s::text IS NULL OR EXISTS (
      SELECT FROM delivery WHERE verzoek_id = verzoek.id AND target = %(target)s AND delivery.state = 'waiting'
  ))
ORDER BY volgnummer
FOR UPDATE

-- name: stop_notification
UPDATE notification
SET state = %(state)s, stopped = true, reason = %(reason)s, advice = %(advice)s
WHERE id = %(id)s

-- name: stop_version
UPDATE verzoek SET state = %(state)s, stopped = true, reason = %(reason)s, advice = %(advice)s WHERE id = %(id)s

-- name: stop_deliveries
UPDATE delivery
SET state = 'parked', reason = %(reason)s, advice = %(advice)s
WHERE verzoek_id = %(id)s AND state = 'waiting' AND (%(target)s::text IS NULL OR target = %(target)s)

-- name: tell
INSERT INTO step (aansluiting_id, name, at, detail, notification_id, verzoek_id)
VALUES (%(aansluiting_id)s, %(name)s, %(at)s, %(detail)s, %(notification_id)s, %(verzoek_id)s)

-- name: delivered_versions
SELECT
    id, aansluiting_id, verzoeknummer, state, volgnummer,
    EXISTS (SELECT FROM verzoek_file WHERE verzoek_id = verzoek.id AND blob IS NULL) AS broken, purged_at
FROM verzoek
WHERE aansluiting_id = %(aansluiting_id)s AND verzoeknummer = %(verzoeknummer)s AND state = 'delivered'
ORDER BY volgnummer
FOR UPDATE

-- name: deliver_again
UPDATE delivery
SET state = 'waiting', attempts = 0, planned_at = %(now)s, delivered_at = NULL, reason = NULL, advice = NULL,
    case_reference = CASE WHEN %(from_scratch)s THEN NULL ELSE case_reference END
WHERE verzoek_id = %(id)s AND (%(target)s::text IS NULL OR target = %(target)s)

-- name: forget_steps
DELETE FROM delivery_step
USING delivery
WHERE delivery.id = delivery_step.delivery_id AND delivery.verzoek_id = %(id)s
  AND (%(target)s::text IS NULL OR delivery.target = %(target)s)

-- name: forget_case
UPDATE verzoek SET case_reference = NULL WHERE id = %(id)s

-- name: insert_notification
INSERT INTO notification (
    aansluiting_id, inbound_message_id, intervention_id, verzoeknummer, withdrawal, received_at, state
)
VALUES (
    %(aansluiting_id)s, %(inbound_id)s, %(intervention_id)s, %(verzoeknummer)s, %(withdrawal)s, %(now)s, %(state)s
)
RETURNING id, aansluiting_id, verzoeknummer

-- name: read_again
UPDATE notification
SET verzoeknummer = %(verzoeknummer)s, withdrawal = %(withdrawal)s, state = %(state)s, stopped = false,
    reason = NULL, advice = NULL
WHERE id = %(id)s
RETURNING id, aansluiting_id, verzoeknummer

-- name: inbound
SELECT
    message.id AS inbound_id, message.aansluiting_id, payload.content_id, payload.content_type, payload.size,
    payload.sha256, payload.data, payload.blob, payload.name, payload.purged_at
FROM inbound_message AS message
JOIN aansluiting ON aansluiting.id = message.aansluiting_id
LEFT JOIN LATERAL (
    SELECT * FROM payload WHERE inbound_message_id = message.id ORDER BY position LIMIT 1
) AS payload ON true
WHERE message.message_id = %(message_id)s AND message.error_code IS NULL AND aansluiting.kind = 'stam'
  AND (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
ORDER BY message.id

-- name: lock_inbound
SELECT id, aansluiting_id FROM inbound_message WHERE id = %(id)s FOR UPDATE

-- name: notification_of
SELECT id, aansluiting_id, state FROM notification WHERE inbound_message_id = %(id)s FOR UPDATE

-- name: failed
-- A notification is of the verzoek under the number of the version that it led to, as `verzoek release` has it.
SELECT failed.aansluiting_id, failed.verzoeknummer
FROM (
    SELECT
        notification.aansluiting_id, coalesce(verzoek.verzoeknummer, notification.verzoeknummer) AS verzoeknummer,
        notification.received_at, notification.reason, NULL::bigint AS verzoek_id
    FROM notification
    LEFT JOIN verzoek ON verzoek.id = notification.verzoek_id
    WHERE notification.state = 'parked' AND NOT notification.stopped AND notification.verzoeknummer <> ''
    UNION ALL
    SELECT aansluiting_id, verzoeknummer, received_at, reason, id
    FROM verzoek
    WHERE state = 'parked' AND NOT stopped AND action <> 'park'
) AS failed
JOIN aansluiting ON aansluiting.id = failed.aansluiting_id
WHERE (%(omgeving)s::text IS NULL OR aansluiting.omgeving = %(omgeving)s)
  AND (%(organisatie_oin)s::text IS NULL OR aansluiting.organisatie_oin = %(organisatie_oin)s)
  AND (%(reason)s::text IS NULL OR strpos(lower(failed.reason), lower(%(reason)s)) > 0)
  AND (%(target)s::text IS NULL OR EXISTS (
      SELECT FROM delivery WHERE delivery.verzoek_id = failed.verzoek_id AND target = %(target)s AND state = 'parked'
  ))
GROUP BY failed.aansluiting_id, failed.verzoeknummer
ORDER BY min(failed.received_at), failed.aansluiting_id, failed.verzoeknummer
LIMIT %(limit)s
