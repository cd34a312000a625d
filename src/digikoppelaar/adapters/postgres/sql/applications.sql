-- name: cpas
SELECT cpa.cpa_id
FROM cpa
JOIN aansluiting ON aansluiting.id = cpa.aansluiting_id
WHERE aansluiting.omgeving = %(omgeving)s AND aansluiting.organisatie_oin = %(oin)s
  AND cpa.consumer <> 'intake' AND cpa.removed_at IS NULL
ORDER BY cpa.cpa_id

-- name: cpa_document
SELECT cpa.document
FROM cpa
JOIN aansluiting ON aansluiting.id = cpa.aansluiting_id
WHERE aansluiting.omgeving = %(omgeving)s AND aansluiting.organisatie_oin = %(oin)s
  AND cpa.consumer <> 'intake' AND cpa.removed_at IS NULL AND cpa.cpa_id = %(cpa_id)s

-- name: kinds_of_messages
SELECT DISTINCT cpa.id AS cpa_row, cpa.cpa_id, 'in' AS direction, message.service, message.action
FROM aansluiting
JOIN cpa ON cpa.aansluiting_id = aansluiting.id
JOIN inbound_message AS message ON message.cpa_row = cpa.id
WHERE aansluiting.omgeving = %(omgeving)s AND aansluiting.organisatie_oin = %(oin)s AND cpa.consumer <> 'intake'
  AND message.processed_at IS NULL AND message.error_code IS NULL
  AND message.service <> 'urn:oasis:names:tc:ebxml-msg:service'
  AND (%(cpa_id)s::text IS NULL OR cpa.cpa_id = %(cpa_id)s)

-- name: unprocessed
SELECT message.message_id
FROM aansluiting
JOIN cpa ON cpa.aansluiting_id = aansluiting.id
JOIN inbound_message AS message ON message.cpa_row = cpa.id
WHERE aansluiting.omgeving = %(omgeving)s AND aansluiting.organisatie_oin = %(oin)s AND cpa.consumer <> 'intake'
  AND message.processed_at IS NULL AND message.error_code IS NULL
  AND message.service <> 'urn:oasis:names:tc:ebxml-msg:service'
  AND (%(cpa_id)s::text IS NULL OR cpa.cpa_id = %(cpa_id)s)
  AND (%(service)s::text IS NULL OR %(service)s IN (message.service, message.service_type || ':' || message.service))
  AND (%(action)s::text IS NULL OR message.action = %(action)s)
  AND (%(conversation_id)s::text IS NULL OR message.conversation_id = %(conversation_id)s)
  AND (%(message_id)s::text IS NULL OR message.message_id = %(message_id)s)
  AND (%(ref_to_message_id)s::text IS NULL OR message.ref_to_message_id = %(ref_to_message_id)s)
  AND (NOT %(chosen)s OR (cpa.id, 'in', message.service, message.action) IN (
    SELECT * FROM unnest(%(cpa_rows)s::bigint[], %(directions)s::text[], %(services)s::text[], %(actions)s::text[])
  ))
ORDER BY message.id
LIMIT %(limit)s

-- name: kinds_of_events
SELECT DISTINCT
    cpa.id AS cpa_row, cpa.cpa_id,
    CASE WHEN came.id IS NULL THEN 'out' ELSE 'in' END AS direction,
    coalesce(came.service, sent.service) AS service, coalesce(came.action, sent.action) AS action
FROM aansluiting
JOIN cpa ON cpa.aansluiting_id = aansluiting.id
JOIN message_event AS event ON event.cpa_row = cpa.id
LEFT JOIN inbound_message AS came ON came.id = event.inbound_message_id
LEFT JOIN outbound_message AS sent ON sent.id = event.outbound_message_id
WHERE aansluiting.omgeving = %(omgeving)s AND aansluiting.organisatie_oin = %(oin)s AND cpa.consumer <> 'intake'
  AND event.processed_at IS NULL
  AND (%(cpa_id)s::text IS NULL OR cpa.cpa_id = %(cpa_id)s)

-- name: events
SELECT event.id, event.type, coalesce(came.message_id, sent.message_id) AS message_id
FROM aansluiting
JOIN cpa ON cpa.aansluiting_id = aansluiting.id
JOIN message_event AS event ON event.cpa_row = cpa.id
LEFT JOIN inbound_message AS came ON came.id = event.inbound_message_id
LEFT JOIN outbound_message AS sent ON sent.id = event.outbound_message_id
WHERE aansluiting.omgeving = %(omgeving)s AND aansluiting.organisatie_oin = %(oin)s AND cpa.consumer <> 'intake'
  AND event.processed_at IS NULL AND event.type = ANY (%(event_types)s)
  AND (%(cpa_id)s::text IS NULL OR cpa.cpa_id = %(cpa_id)s)
  AND (
    %(service)s::text IS NULL
    OR %(service)s IN (came.service, came.service_type || ':' || came.service)
    OR %(service)s IN (sent.service, sent.service_type || ':' || sent.service)
  )
  AND (%(action)s::text IS NULL OR %(action)s IN (came.action, sent.action))
  AND (%(conversation_id)s::text IS NULL OR event.conversation_id = %(conversation_id)s)
  AND (%(message_id)s::text IS NULL OR %(message_id)s IN (came.message_id, sent.message_id))
  AND (%(ref_to_message_id)s::text IS NULL OR %(ref_to_message_id)s IN (came.ref_to_message_id, sent.ref_to_message_id))
  AND (
    NOT %(chosen)s
    OR (
      cpa.id, CASE WHEN came.id IS NULL THEN 'out' ELSE 'in' END,
      coalesce(came.service, sent.service), coalesce(came.action, sent.action)
    ) IN (
      SELECT * FROM unnest(%(cpa_rows)s::bigint[], %(directions)s::text[], %(services)s::text[], %(actions)s::text[])
    )
  )
ORDER BY event.id
LIMIT %(limit)s

-- name: message
SELECT
    'in' AS direction, message.id, cpa.cpa_id, message.message_id, message.received_at AS at,
    CASE WHEN message.error_code IS NULL THEN 'accepted' ELSE 'rejected' END AS state,
    message.processed_at IS NOT NULL AS processed, message.content_type, message.document
FROM inbound_message AS message
JOIN cpa ON cpa.id = message.cpa_row
JOIN aansluiting ON aansluiting.id = message.aansluiting_id
WHERE message.message_id = %(message_id)s AND message.service <> 'urn:oasis:names:tc:ebxml-msg:service'
  AND aansluiting.omgeving = %(omgeving)s AND aansluiting.organisatie_oin = %(oin)s AND cpa.consumer <> 'intake'
UNION ALL
SELECT
    'out', message.id, cpa.cpa_id, message.message_id, message.timestamp, message.state,
    false, message.content_type, message.body
FROM outbound_message AS message
JOIN cpa ON cpa.id = message.cpa_row
JOIN aansluiting ON aansluiting.id = message.aansluiting_id
WHERE message.message_id = %(message_id)s AND message.service <> 'urn:oasis:names:tc:ebxml-msg:service'
  AND aansluiting.omgeving = %(omgeving)s AND aansluiting.organisatie_oin = %(oin)s AND cpa.consumer <> 'intake'
ORDER BY at DESC
LIMIT 1

-- name: payloads
SELECT content_id, content_type, size, sha256, data, blob, name, purged_at
FROM payload
WHERE inbound_message_id = %(id)s
ORDER BY position

-- name: process_message
UPDATE inbound_message AS message
SET processed_at = coalesce(message.processed_at, %(now)s)
FROM cpa, aansluiting
WHERE cpa.id = message.cpa_row AND aansluiting.id = message.aansluiting_id
  AND message.message_id = %(message_id)s AND message.error_code IS NULL
  AND message.service <> 'urn:oasis:names:tc:ebxml-msg:service'
  AND aansluiting.omgeving = %(omgeving)s AND aansluiting.organisatie_oin = %(oin)s AND cpa.consumer <> 'intake'

-- name: process_events
UPDATE message_event AS event
SET processed_at = coalesce(event.processed_at, %(now)s)
FROM cpa, aansluiting
WHERE cpa.id = event.cpa_row AND aansluiting.id = event.aansluiting_id
  AND aansluiting.omgeving = %(omgeving)s AND aansluiting.organisatie_oin = %(oin)s AND cpa.consumer <> 'intake'
  AND event.id IN (
    SELECT each.id FROM message_event AS each
    JOIN inbound_message AS came ON came.id = each.inbound_message_id WHERE came.message_id = %(message_id)s
    UNION ALL
    SELECT each.id FROM message_event AS each
    JOIN outbound_message AS sent ON sent.id = each.outbound_message_id WHERE sent.message_id = %(message_id)s
  )

-- name: url_mappings
SELECT source, destination FROM url_mapping
WHERE omgeving = %(omgeving)s AND organisatie_oin = %(oin)s
ORDER BY source

-- name: set_url_mapping
INSERT INTO url_mapping (omgeving, organisatie_oin, source, destination)
VALUES (%(omgeving)s, %(oin)s, %(source)s, %(destination)s)
ON CONFLICT (omgeving, organisatie_oin, source) DO UPDATE SET destination = excluded.destination

-- name: delete_url_mapping
DELETE FROM url_mapping WHERE omgeving = %(omgeving)s AND organisatie_oin = %(oin)s AND source = %(source)s

-- name: certificate_mappings
SELECT cpa.cpa_id, mapping.source, mapping.destination
FROM certificate_mapping AS mapping
JOIN cpa ON cpa.id = mapping.cpa_row
JOIN aansluiting ON aansluiting.id = mapping.aansluiting_id
WHERE aansluiting.omgeving = %(omgeving)s AND aansluiting.organisatie_oin = %(oin)s AND cpa.consumer <> 'intake'
ORDER BY cpa.cpa_id, mapping.source_sha256

-- name: set_certificate_mapping
INSERT INTO certificate_mapping (aansluiting_id, cpa_row, source_sha256, source, destination)
SELECT cpa.aansluiting_id, cpa.id, sha256(%(source)s::bytea), %(source)s::bytea, %(destination)s::bytea
FROM cpa
JOIN aansluiting ON aansluiting.id = cpa.aansluiting_id
WHERE aansluiting.omgeving = %(omgeving)s AND aansluiting.organisatie_oin = %(oin)s
  AND cpa.consumer <> 'intake' AND cpa.removed_at IS NULL AND cpa.cpa_id = %(cpa_id)s
ON CONFLICT (cpa_row, source_sha256) DO UPDATE SET destination = excluded.destination

-- name: delete_certificate_mapping
DELETE FROM certificate_mapping AS mapping
USING cpa, aansluiting
WHERE cpa.id = mapping.cpa_row AND aansluiting.id = mapping.aansluiting_id
  AND aansluiting.omgeving = %(omgeving)s AND aansluiting.organisatie_oin = %(oin)s
  AND cpa.consumer <> 'intake' AND cpa.cpa_id = %(cpa_id)s AND mapping.source_sha256 = sha256(%(source)s::bytea)

-- name: insert_api_key
INSERT INTO api_key (omgeving, organisatie_oin, name, rights, prefix, sha256, created_at)
SELECT omgeving, organisatie_oin, %(name)s, %(rights)s, %(prefix)s, %(sha256)s, %(now)s
FROM aansluiting
WHERE omgeving = %(omgeving)s AND organisatie_oin = %(oin)s
LIMIT 1

-- name: api_keys
SELECT prefix, name, omgeving, organisatie_oin, rights, created_at, revoked_at FROM api_key ORDER BY id

-- name: revoke_api_key
UPDATE api_key SET revoked_at = coalesce(revoked_at, %(now)s) WHERE prefix = %(prefix)s

-- name: api_key
SELECT omgeving, organisatie_oin, name, rights, sha256 FROM api_key WHERE prefix = %(prefix)s AND revoked_at IS NULL
