-- What an administrator should know of a verzoek version (stam.findings, stam.schema); it stays when the XML is gone.

ALTER TABLE verzoek ADD COLUMN findings jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN verzoek.findings IS 'A list of stam.model.Finding: no values of the document but ids.';
