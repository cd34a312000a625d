-- name: use_webhook
UPDATE cpa SET consumer = 'webhook'
WHERE omgeving = %(omgeving)s AND cpa_id = %(cpa_id)s AND consumer <> 'intake' AND removed_at IS NULL
RETURNING id

-- name: set_webhook
INSERT INTO webhook (cpa_row, aansluiting_id, url, secret_file, set_at)
SELECT id, aansluiting_id, %(url)s, %(secret_file)s, %(now)s FROM cpa WHERE id = %(id)s
ON CONFLICT (cpa_row) DO UPDATE
SET url = excluded.url, secret_file = excluded.secret_file, set_at = excluded.set_at

-- name: remove_webhook
WITH removed AS (
  DELETE FROM webhook USING cpa
  WHERE cpa.id = webhook.cpa_row AND cpa.omgeving = %(omgeving)s AND cpa.cpa_id = %(cpa_id)s
  RETURNING webhook.cpa_row
)
UPDATE cpa SET consumer = 'rest' FROM removed WHERE cpa.id = removed.cpa_row

-- name: webhooks
SELECT
    cpa.cpa_id, cpa.omgeving, webhook.url, webhook.secret_file,
    count(event.id) AS waiting,
    coalesce(array_agg(event.id ORDER BY event.id) FILTER (WHERE delivery.parked_at IS NOT NULL), '{}') AS parked,
    (array_agg(delivery.reason ORDER BY event.id DESC) FILTER (WHERE delivery.reason IS NOT NULL))[1] AS last_reason
FROM webhook
JOIN cpa ON cpa.id = webhook.cpa_row
LEFT JOIN message_event AS event ON event.cpa_row = webhook.cpa_row AND event.processed_at IS NULL
LEFT JOIN webhook_delivery AS delivery ON delivery.event_id = event.id
GROUP BY cpa.id, webhook.cpa_row
ORDER BY cpa.omgeving, cpa.cpa_id

-- name: release
DELETE FROM webhook_delivery WHERE event_id = %(event_id)s AND parked_at IS NOT NULL

-- name: wake
SELECT pg_notify('webhook', '')

-- name: first_due
WITH first AS (
  SELECT DISTINCT ON (event.cpa_row, event.conversation_id) event.id, event.cpa_row, webhook.url, webhook.secret_file
  FROM webhook
  JOIN message_event AS event ON event.cpa_row = webhook.cpa_row
  WHERE event.processed_at IS NULL
  ORDER BY event.cpa_row, event.conversation_id, event.id
),
due AS (
  SELECT
      first.*, coalesce(delivery.attempts, 0) AS attempts,
      row_number() OVER (PARTITION BY first.url ORDER BY delivery.due_at NULLS FIRST, first.id) AS place
  FROM first
  LEFT JOIN webhook_delivery AS delivery ON delivery.event_id = first.id
  WHERE delivery.event_id IS NULL OR delivery.due_at <= %(now)s
)
SELECT
    event.id AS event_id, due.attempts + 1 AS attempt, event.type, event.at, event.conversation_id,
    cpa.cpa_id, cpa.omgeving, due.url, due.secret_file,
    coalesce(came.message_id, sent.message_id) AS message_id,
    CASE WHEN came.id IS NULL THEN sent.ref_to_message_id ELSE came.ref_to_message_id END AS ref_to_message_id,
    coalesce(came.service, sent.service) AS service, coalesce(came.action, sent.action) AS action
FROM due
JOIN message_event AS event ON event.id = due.id
JOIN cpa ON cpa.id = event.cpa_row
LEFT JOIN inbound_message AS came ON came.id = event.inbound_message_id
LEFT JOIN outbound_message AS sent ON sent.id = event.outbound_message_id
WHERE due.place <= %(slots)s - coalesce((%(busy)s::jsonb ->> due.url)::integer, 0)
  AND event.processed_at IS NULL -- looked at again once it is locked: another node may have been faster
ORDER BY event.id
FOR UPDATE OF event SKIP LOCKED

-- name: start
INSERT INTO webhook_delivery (event_id, attempts, due_at)
VALUES (%(event_id)s, 1, %(until)s)
ON CONFLICT (event_id) DO UPDATE SET attempts = webhook_delivery.attempts + 1, due_at = excluded.due_at
WHERE webhook_delivery.due_at <= %(now)s
RETURNING attempts

-- name: taken
UPDATE message_event SET processed_at = coalesce(processed_at, %(now)s) WHERE id = %(event_id)s

-- name: forget
DELETE FROM webhook_delivery WHERE event_id = %(event_id)s

-- name: refused
UPDATE webhook_delivery
SET due_at = %(due_at)s, parked_at = CASE WHEN %(due_at)s::timestamptz IS NULL THEN %(now)s END,
    status = %(status)s, reason = %(why)s
WHERE event_id = %(event_id)s AND attempts = %(attempt)s

-- name: next_due
SELECT min(delivery.due_at) AS due_at
FROM webhook_delivery AS delivery
JOIN message_event AS event ON event.id = delivery.event_id
WHERE event.processed_at IS NULL AND delivery.due_at IS NOT NULL
