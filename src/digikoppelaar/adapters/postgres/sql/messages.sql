-- name: find_inbound
SELECT id, fingerprint, answer_id
FROM inbound_message
WHERE aansluiting_id = %(aansluiting_id)s AND cpa_row = %(cpa_row)s AND message_id = %(message_id)s

-- name: find_outbound
SELECT id, message_id, state, body, content_type
FROM outbound_message
WHERE aansluiting_id = %(aansluiting_id)s AND cpa_row = %(cpa_row)s AND message_id = %(message_id)s

-- name: insert_inbound
-- No row comes back when the MessageId is there: a transaction that is storing the same one is waited for.
INSERT INTO inbound_message (
    aansluiting_id, cpa_row, message_id, conversation_id, ref_to_message_id, service, action, timestamp,
    received_at, fingerprint, content_type, document, error_code, error_reason
)
VALUES (
    %(aansluiting_id)s, %(cpa_row)s, %(message_id)s, %(conversation_id)s, %(ref_to_message_id)s, %(service)s,
    %(action)s, %(timestamp)s, %(received_at)s, %(fingerprint)s, %(content_type)s, %(document)s, %(error_code)s,
    %(error_reason)s
)
ON CONFLICT (aansluiting_id, cpa_row, message_id) DO NOTHING
RETURNING id

-- name: insert_payload
INSERT INTO payload (
    aansluiting_id, inbound_message_id, position, content_id, content_type, size, sha256, data, blob
)
VALUES (
    %(aansluiting_id)s, %(inbound_message_id)s, %(position)s, %(content_id)s, %(content_type)s, %(size)s,
    %(sha256)s, %(data)s, %(blob)s
)

-- name: set_answer
UPDATE inbound_message SET answer_id = %(answer_id)s WHERE id = %(id)s

-- name: insert_notification
INSERT INTO notification (
    aansluiting_id, inbound_message_id, verzoeknummer, received_at, state, reason, advice
)
VALUES (
    %(aansluiting_id)s, %(inbound_message_id)s, %(verzoeknummer)s, %(received_at)s, %(state)s, %(reason)s,
    %(advice)s
)
RETURNING id

-- name: insert_outbound
INSERT INTO outbound_message (
    aansluiting_id, cpa_row, message_id, conversation_id, ref_to_message_id, service, action, timestamp,
    partner, endpoint, content_type, body, retries, retry_interval, time_to_live, state, max_attempts, due_at
)
VALUES (
    %(aansluiting_id)s, %(cpa_row)s, %(message_id)s, %(conversation_id)s, %(ref_to_message_id)s, %(service)s,
    %(action)s, %(timestamp)s, %(partner)s, %(endpoint)s, %(content_type)s, %(body)s, %(retries)s,
    %(retry_interval)s, %(time_to_live)s, %(state)s, %(max_attempts)s, %(due_at)s
)
RETURNING id

-- name: wake_sender
-- Delivered by the commit, and not when the transaction is rolled back.
NOTIFY outbound

-- name: lock_outbound
SELECT id, aansluiting_id, service, state, attempts, retries, retry_interval, time_to_live
FROM outbound_message
WHERE id = %(id)s
FOR UPDATE

-- name: lock_outbound_by_name
SELECT id, aansluiting_id, service, state, attempts, retries, retry_interval, time_to_live
FROM outbound_message
WHERE aansluiting_id = %(aansluiting_id)s AND cpa_row = %(cpa_row)s AND message_id = %(message_id)s
FOR UPDATE

-- name: lock_ended
-- Due, and no attempt or no time is left. The core says which of the two, for each of them.
SELECT id, aansluiting_id, service, state, attempts, retries, retry_interval, time_to_live
FROM outbound_message
WHERE due_at <= %(now)s AND (attempts >= max_attempts OR time_to_live <= %(now)s)
ORDER BY due_at, id
LIMIT 500
FOR UPDATE SKIP LOCKED

-- name: lock_due
-- Partners are found by skipping through the index, and each gives its own earliest: a backlog of one partner is
-- never read for another. FOR UPDATE and window functions do not go together, hence the lateral join.
WITH RECURSIVE waiting AS (
    (
        SELECT partner
        FROM outbound_message
        WHERE due_at IS NOT NULL
        ORDER BY partner
        LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT following.partner
        FROM outbound_message AS following
        WHERE following.due_at IS NOT NULL AND following.partner > waiting.partner
        ORDER BY following.partner
        LIMIT 1
    )
    FROM waiting
    WHERE waiting.partner IS NOT NULL
)
SELECT
    due.id, due.due_at, due.state, due.attempts, due.message_id, due.aansluiting_id, due.service, due.partner,
    due.endpoint, due.content_type, due.body, due.retries, due.retry_interval, due.time_to_live,
    aansluiting.omgeving, aansluiting.partij_oin
FROM waiting
CROSS JOIN LATERAL (
    SELECT *
    FROM outbound_message AS message
    WHERE message.partner = waiting.partner
      AND message.due_at <= %(now)s
      AND message.attempts < message.max_attempts
      AND (message.time_to_live IS NULL OR message.time_to_live > %(now)s)
    ORDER BY message.due_at, message.id
    LIMIT greatest(%(slots)s - coalesce((%(busy)s::jsonb ->> waiting.partner)::integer, 0), 0)
    FOR UPDATE SKIP LOCKED
) AS due
JOIN aansluiting ON aansluiting.id = due.aansluiting_id
WHERE waiting.partner IS NOT NULL

-- name: start_attempt
UPDATE outbound_message SET state = %(state)s, attempts = %(number)s, due_at = %(lease_until)s WHERE id = %(id)s

-- name: insert_attempt
INSERT INTO attempt (aansluiting_id, outbound_message_id, number, started_at)
VALUES (%(aansluiting_id)s, %(id)s, %(number)s, %(now)s)

-- name: end_lost_attempt
UPDATE attempt
SET ended_at = %(now)s, event = %(event)s
WHERE outbound_message_id = %(id)s AND ended_at IS NULL

-- name: end_attempt
-- The newest with this number: a repeated answer starts counting again. A report that comes after the lease was
-- given up still says what happened.
UPDATE attempt
SET ended_at = %(now)s, event = %(event)s, status = %(status)s, detail = %(detail)s
WHERE id = (SELECT max(id) FROM attempt WHERE outbound_message_id = %(id)s AND number = %(number)s)

-- name: move
UPDATE outbound_message
SET state = %(state)s, due_at = %(due_at)s, settled_at = %(settled_at)s, reason = %(reason)s
WHERE id = %(id)s

-- name: repeat
UPDATE outbound_message
SET state = %(state)s, attempts = 0, due_at = %(now)s, settled_at = NULL, reason = NULL
WHERE id = %(id)s

-- name: next_due
SELECT min(due_at) AS due_at FROM outbound_message WHERE due_at IS NOT NULL

-- name: insert_step
INSERT INTO step (aansluiting_id, name, at, detail, inbound_message_id, outbound_message_id, notification_id)
VALUES (
    %(aansluiting_id)s, %(name)s, %(at)s, %(detail)s, %(inbound_message_id)s, %(outbound_message_id)s,
    %(notification_id)s
)

-- name: insert_outbound_step
-- What happens to an answer is also told at the notification that it answers.
INSERT INTO step (aansluiting_id, name, at, detail, outbound_message_id, inbound_message_id, notification_id)
SELECT message.aansluiting_id, %(name)s, %(at)s, %(detail)s, message.id, inbound.id, notification.id
FROM outbound_message AS message
LEFT JOIN inbound_message AS inbound ON inbound.answer_id = message.id
LEFT JOIN notification ON notification.inbound_message_id = inbound.id
WHERE message.id = %(id)s
