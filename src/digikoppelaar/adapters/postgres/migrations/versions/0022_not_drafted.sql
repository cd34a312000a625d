-- A draft that could not be made is for a person; that there is to be none is not.

ALTER TABLE no_kennisgeving
    ADD COLUMN advice text,
    ADD COLUMN publisher_id bigint REFERENCES aansluiting;
COMMENT ON TABLE no_kennisgeving IS
    'Verzoeken without a kennisgeving, and why: there is to be none, or it could not be drafted. By is NULL for the program.';
COMMENT ON COLUMN no_kennisgeving.advice IS 'Of what could not be drafted, what a person can do; else NULL.';
COMMENT ON COLUMN no_kennisgeving.publisher_id IS 'Of what could not be drafted, who would publish it; NULL when that is unknown.';
CREATE INDEX no_kennisgeving_not_drafted ON no_kennisgeving (at) WHERE advice IS NOT NULL;
