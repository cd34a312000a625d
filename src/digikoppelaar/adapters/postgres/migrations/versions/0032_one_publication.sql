-- A publication is of one kennisgeving of an aansluiting. Where two have the same, the later one is looked for again.

UPDATE kennisgeving
SET state = CASE WHEN dossiernummer IS NULL THEN 'unknown' ELSE 'accepted' END, due_at = now(),
    publication = NULL, publication_url = NULL, published_on = NULL, differences = '{}'
WHERE EXISTS (
    SELECT FROM kennisgeving AS first
    WHERE first.aansluiting_id = kennisgeving.aansluiting_id AND first.publication = kennisgeving.publication
      AND first.id < kennisgeving.id
);
CREATE UNIQUE INDEX kennisgeving_publication ON kennisgeving (aansluiting_id, publication)
    WHERE publication IS NOT NULL;
