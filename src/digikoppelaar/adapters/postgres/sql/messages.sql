-- What comes in and goes out. A statement that is marked `together` is one of many that GroupCommit sends in one
-- transaction, so it is whole by itself: it gives one row, or none when there was nothing to do.

-- name: find_inbound
SELECT id, fingerprint, answer_id, received_at, error_code, processed_at
FROM inbound_message
WHERE aansluiting_id = %(aansluiting_id)s AND cpa_row = %(cpa_row)s AND message_id = %(message_id)s

-- name: status
-- Under this CPA when it is there, else under another one of the omgeving.
SELECT
    cpa.cpa_id, inbound.service = %(msh_service)s AS signal, inbound.received_at,
    inbound.processed_at IS NOT NULL AS processed, inbound.error_code IS NOT NULL AS rejected
FROM inbound_message AS inbound
JOIN cpa ON cpa.id = inbound.cpa_row
WHERE inbound.message_id = %(message_id)s AND cpa.omgeving = %(omgeving)s
ORDER BY inbound.cpa_row <> %(cpa_row)s, inbound.id
LIMIT 1

-- name: find_outbound
SELECT id, message_id, state, body, content_type, holes, submission, purged_at
FROM outbound_message
WHERE aansluiting_id = %(aansluiting_id)s AND cpa_row = %(cpa_row)s AND message_id = %(message_id)s

-- name: answer
SELECT content_type, body FROM outbound_message WHERE id = %(id)s

-- name: record_inbound
-- Together. The unique key decides whether the message is new: then its payloads, its answer with the first attempt,
-- and what its application must hear are stored with it. The ids are taken beforehand, so that the rows can refer to
-- each other within the statement. A transaction that is storing the same message is waited for.
WITH ids AS (
    SELECT
        nextval('inbound_message_id_seq') AS id,
        CASE WHEN %(answer_state)s::text IS NOT NULL THEN nextval('outbound_message_id_seq') END AS answer_id
), inbound AS (
    INSERT INTO inbound_message (
        id, aansluiting_id, cpa_row, message_id, conversation_id, ref_to_message_id, service, service_type, action,
        from_role, to_role, timestamp, received_at, fingerprint, content_type, document, error_code, error_reason,
        answer_id
    )
    OVERRIDING SYSTEM VALUE
    SELECT
        ids.id,
        %(aansluiting_id)s::bigint, %(cpa_row)s::bigint, %(message_id)s::text, %(conversation_id)s::text,
        %(ref_to_message_id)s::text, %(service)s::text, %(service_type)s::text, %(action)s::text, %(from_role)s::text,
        %(to_role)s::text, %(timestamp)s::timestamptz, %(received_at)s::timestamptz, %(fingerprint)s::bytea,
        %(content_type)s::text, %(document)s::bytea, %(error_code)s::text, %(error_reason)s::text,
        ids.answer_id
    FROM ids
    ON CONFLICT (aansluiting_id, cpa_row, message_id) DO NOTHING
    RETURNING *
), stored_payloads AS (
    INSERT INTO payload (
        aansluiting_id, inbound_message_id, position, content_id, content_type, name, size, sha256, data, blob
    )
    SELECT
        inbound.aansluiting_id, inbound.id, given.number - 1, given.content_id, given.content_type, given.name,
        given.size, given.sha256, given.data, given.blob
    FROM inbound
    CROSS JOIN unnest(
        %(content_ids)s::text[], %(content_types)s::text[], %(names)s::text[], %(sizes)s::bigint[],
        %(sha256s)b::bytea[], %(datas)b::bytea[], %(blobs)s::text[]
    ) WITH ORDINALITY AS given (content_id, content_type, name, size, sha256, data, blob, number)
), answer AS (
    INSERT INTO outbound_message (
        id,
        aansluiting_id, cpa_row, message_id, conversation_id, ref_to_message_id, service, service_type, action,
        timestamp, partner, endpoint, content_type, body, holes, retries, retry_interval, time_to_live, state, attempts,
        max_attempts, due_at, settled_at, synchronous, submission, tells_application
    )
    OVERRIDING SYSTEM VALUE
    SELECT
        inbound.answer_id,
        inbound.aansluiting_id, inbound.cpa_row, %(answer_message_id)s::text, %(answer_conversation_id)s::text,
        %(answer_ref_to_message_id)s::text, %(answer_service)s::text,
        %(answer_service_type)s::text, %(answer_action)s::text, %(answer_timestamp)s::timestamptz,
        %(answer_partner)s::text, %(answer_endpoint)s::text, %(answer_content_type)s::text, %(answer_body)s::bytea,
        %(answer_holes)s::jsonb, %(answer_retries)s::integer, %(answer_retry_interval)s::interval,
        %(answer_time_to_live)s::timestamptz, %(answer_state)s::text, %(answer_attempts)s::integer,
        %(answer_max_attempts)s::integer, %(answer_due_at)s::timestamptz, %(answer_settled_at)s::timestamptz,
        %(answer_synchronous)s::boolean, %(answer_submission)s::bytea, %(answer_tells_application)s::boolean
    FROM inbound
    WHERE inbound.answer_id IS NOT NULL
    RETURNING *
), first_attempt AS (
    INSERT INTO attempt (aansluiting_id, outbound_message_id, number, started_at)
    SELECT aansluiting_id, id, attempts, timestamp
    FROM answer
    WHERE state = 'sending'
), told AS (
    INSERT INTO message_event (aansluiting_id, cpa_row, inbound_message_id, conversation_id, type, at)
    SELECT inbound.aansluiting_id, inbound.cpa_row, inbound.id, inbound.conversation_id, 'RECEIVED', inbound.received_at
    FROM inbound
    WHERE %(tells_application)s::boolean
)
SELECT
    inbound.id, inbound.answer_id,
    CASE WHEN %(answer_announced)s::boolean THEN pg_notify('outbound', '') END AS woken
FROM inbound

-- name: insert_notification
INSERT INTO notification (
    aansluiting_id, inbound_message_id, verzoeknummer, withdrawal, received_at, state, reason, advice
)
VALUES (
    %(aansluiting_id)s, %(inbound_message_id)s, %(verzoeknummer)s, %(withdrawal)s, %(received_at)s, %(state)s,
    %(reason)s, %(advice)s
)
ON CONFLICT (aansluiting_id, inbound_message_id) DO NOTHING
RETURNING id

-- name: deliver_again
WITH again AS (
    UPDATE inbound_message SET processed_at = NULL WHERE id = %(id)s RETURNING *
)
INSERT INTO message_event (aansluiting_id, cpa_row, inbound_message_id, conversation_id, type, at)
SELECT aansluiting_id, cpa_row, id, conversation_id, 'RECEIVED', %(at)s
FROM again

-- name: queue_outbound
-- Together. No row comes back when the MessageId is there already.
WITH message AS (
    INSERT INTO outbound_message (
        aansluiting_id, cpa_row, message_id, conversation_id, ref_to_message_id, service, service_type, action,
        timestamp, partner, endpoint, content_type, body, holes, retries, retry_interval, time_to_live, state, attempts,
        max_attempts, due_at, settled_at, synchronous, submission, tells_application
    )
    VALUES (
        %(aansluiting_id)s::bigint, %(cpa_row)s::bigint, %(message_id)s::text, %(conversation_id)s::text,
        %(ref_to_message_id)s::text, %(service)s::text, %(service_type)s::text, %(action)s::text,
        %(timestamp)s::timestamptz, %(partner)s::text, %(endpoint)s::text, %(content_type)s::text, %(body)s::bytea,
        %(holes)s::jsonb, %(retries)s::integer, %(retry_interval)s::interval, %(time_to_live)s::timestamptz,
        %(state)s::text, %(attempts)s::integer, %(max_attempts)s::integer, %(due_at)s::timestamptz,
        %(settled_at)s::timestamptz, %(synchronous)s::boolean, %(submission)s::bytea, %(tells_application)s::boolean
    )
    ON CONFLICT (aansluiting_id, cpa_row, message_id) DO NOTHING
    RETURNING *
), first_attempt AS (
    INSERT INTO attempt (aansluiting_id, outbound_message_id, number, started_at)
    SELECT aansluiting_id, id, attempts, timestamp
    FROM message
    WHERE state = 'sending'
)
SELECT id, CASE WHEN %(announced)s::boolean THEN pg_notify('outbound', '') END AS woken FROM message

-- name: settle_by_signal
-- Together. The signal is stored when it is new; our message moves when it was not settled before.
WITH ours AS (
    SELECT id, state
    FROM outbound_message
    WHERE aansluiting_id = %(aansluiting_id)s AND cpa_row = %(cpa_row)s AND message_id = %(about)s
), signal AS (
    INSERT INTO inbound_message (
        id, aansluiting_id, cpa_row, message_id, conversation_id, ref_to_message_id, service, service_type, action,
        from_role, to_role, timestamp, received_at, fingerprint, content_type, document, error_code, error_reason,
        answer_id
    )
    OVERRIDING SYSTEM VALUE
    SELECT
        nextval('inbound_message_id_seq'),
        %(aansluiting_id)s::bigint, %(cpa_row)s::bigint, %(message_id)s::text, %(conversation_id)s::text,
        %(ref_to_message_id)s::text, %(service)s::text, %(service_type)s::text, %(action)s::text, %(from_role)s::text,
        %(to_role)s::text, %(timestamp)s::timestamptz, %(received_at)s::timestamptz, %(fingerprint)s::bytea,
        %(content_type)s::text, %(document)s::bytea, %(error_code)s::text, %(error_reason)s::text,
        NULL
    FROM ours
    ON CONFLICT (aansluiting_id, cpa_row, message_id) DO NOTHING
), moved AS (
    UPDATE outbound_message AS message
    SET state = %(state)s, due_at = NULL, settled_at = %(now)s, reason = %(reason)s
    FROM ours
    WHERE message.id = ours.id AND message.state = ANY(%(open)s::text[])
    RETURNING message.*
), told AS (
    INSERT INTO message_event (aansluiting_id, cpa_row, outbound_message_id, conversation_id, type, at)
    SELECT aansluiting_id, cpa_row, id, conversation_id, %(event_type)s, %(now)s
    FROM moved
    WHERE tells_application
)
SELECT coalesce(moved.state, ours.state) AS state
FROM ours
LEFT JOIN moved ON moved.id = ours.id

-- name: settle_attempt
-- Together. The report is kept whatever happened meanwhile; the message moves when this is its last attempt and nobody
-- took it over. The newest attempt with this number: a repeated answer starts counting again.
WITH ended AS (
    UPDATE attempt
    SET ended_at = %(now)s, event = %(event)s, status = %(status)s, detail = %(detail)s
    WHERE id = (SELECT max(id) FROM attempt WHERE outbound_message_id = %(id)s AND number = %(number)s)
    RETURNING outbound_message_id
), moved AS (
    UPDATE outbound_message
    SET state = %(state)s, due_at = %(due_at)s, settled_at = %(settled_at)s, reason = %(reason)s
    WHERE id = %(id)s AND state = 'sending' AND attempts = %(number)s
    RETURNING *
), told AS (
    INSERT INTO message_event (aansluiting_id, cpa_row, outbound_message_id, conversation_id, type, at)
    SELECT aansluiting_id, cpa_row, id, conversation_id, %(event_type)s, %(now)s
    FROM moved
    WHERE tells_application AND %(event_type)s::text IS NOT NULL
)
SELECT ended.outbound_message_id, moved.state
FROM ended
LEFT JOIN moved ON moved.id = ended.outbound_message_id

-- name: wake_sender
-- Delivered by the commit, and not when the transaction is rolled back.
NOTIFY outbound

-- name: lock_outbound
SELECT id, aansluiting_id, service, state, attempts, retries, retry_interval, time_to_live
FROM outbound_message
WHERE id = %(id)s
FOR UPDATE

-- name: lock_ended
-- Due, and no attempt or no time is left. The core says which of the two, for each of them.
SELECT id, aansluiting_id, service, state, attempts, retries, retry_interval, time_to_live
FROM outbound_message
WHERE due_at <= %(now)s AND (attempts >= max_attempts OR time_to_live <= %(now)s)
ORDER BY due_at, id
LIMIT 500
FOR UPDATE SKIP LOCKED

-- name: claim
-- Together. Partners are found by skipping through the index, and each gives its own earliest: a backlog of one partner
-- is never read for another. FOR UPDATE and window functions do not go together, hence the lateral join. The planner
-- cannot know how few are due, and would read the whole table to join them; of an array it expects little. An attempt
-- that was under way and did not tell how it ended is lost; that is said by who makes the next one. The lease is
-- `ebms.reliability.lease_until`.
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
), due AS MATERIALIZED (
    SELECT due.id, due.state, due.due_at
    FROM waiting
    CROSS JOIN LATERAL (
        SELECT message.id, message.state, message.due_at
        FROM outbound_message AS message
        WHERE message.partner = waiting.partner
          AND message.due_at <= %(now)s
          AND message.attempts < message.max_attempts
          AND (message.time_to_live IS NULL OR message.time_to_live > %(now)s)
        ORDER BY message.due_at, message.id
        LIMIT greatest(%(slots)s - coalesce((%(busy)s::jsonb ->> waiting.partner)::integer, 0), 0)
        FOR UPDATE SKIP LOCKED
    ) AS due
    WHERE waiting.partner IS NOT NULL
), lost AS (
    UPDATE attempt
    SET ended_at = %(now)s, event = %(lost)s
    WHERE outbound_message_id = ANY(ARRAY(SELECT id FROM due WHERE state = 'sending')) AND ended_at IS NULL
), started AS (
    UPDATE outbound_message
    SET state = 'sending',
        attempts = attempts + 1,
        due_at = %(now)s + greatest(%(lease)s::interval, retry_interval)
    WHERE id = ANY(ARRAY(SELECT id FROM due))
    RETURNING *
), made AS (
    INSERT INTO attempt (aansluiting_id, outbound_message_id, number, started_at)
    SELECT aansluiting_id, id, attempts, %(now)s
    FROM started
)
SELECT
    started.id, started.attempts, started.message_id, started.service, started.partner, started.endpoint,
    started.content_type, started.body, started.holes, started.retries, started.retry_interval, started.time_to_live,
    started.synchronous, aansluiting.omgeving, aansluiting.partij_oin, cpa.cpa_id
FROM started
JOIN due ON due.id = started.id
JOIN aansluiting ON aansluiting.id = started.aansluiting_id
JOIN cpa ON cpa.id = started.cpa_row
ORDER BY due.due_at, started.id

-- name: end_lost_attempt
UPDATE attempt
SET ended_at = %(now)s, event = %(event)s
WHERE outbound_message_id = %(id)s AND ended_at IS NULL

-- name: end
WITH moved AS (
    UPDATE outbound_message
    SET state = %(state)s, due_at = NULL, settled_at = %(now)s, reason = %(reason)s
    WHERE id = %(id)s
    RETURNING *
)
INSERT INTO message_event (aansluiting_id, cpa_row, outbound_message_id, conversation_id, type, at)
SELECT aansluiting_id, cpa_row, id, conversation_id, %(event_type)s, %(now)s
FROM moved
WHERE tells_application

-- name: repeat
UPDATE outbound_message
SET state = %(state)s, attempts = 0, due_at = %(now)s, settled_at = NULL, reason = NULL
WHERE id = %(id)s

-- name: next_due
SELECT min(due_at) AS due_at FROM outbound_message WHERE due_at IS NOT NULL

-- name: note_partner
INSERT INTO partner (partner, failures, last_success_at, last_failure_at, last_error)
VALUES (%(partner)s, %(failures)s, %(last_success_at)s, %(last_failure_at)s, %(last_error)s)
ON CONFLICT (partner) DO UPDATE
SET failures = excluded.failures,
    last_success_at = greatest(excluded.last_success_at, partner.last_success_at),
    last_failure_at = greatest(excluded.last_failure_at, partner.last_failure_at),
    last_error = coalesce(excluded.last_error, partner.last_error)

-- name: insert_outbound_step
-- What happens to an answer is also told at the notification that it answers.
INSERT INTO step (aansluiting_id, name, at, detail, outbound_message_id, inbound_message_id, notification_id)
SELECT message.aansluiting_id, %(name)s, %(at)s, %(detail)s, message.id, inbound.id, notification.id
FROM outbound_message AS message
LEFT JOIN inbound_message AS inbound ON inbound.answer_id = message.id
LEFT JOIN notification ON notification.inbound_message_id = inbound.id
WHERE message.id = %(id)s
