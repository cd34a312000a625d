-- A notification may be passed on instead of fetched; one that did not come over ebMS is kept here as it came.

ALTER TABLE notification
    ADD COLUMN document bytea,
    DROP CONSTRAINT notification_state_check,
    ADD CONSTRAINT notification_state_check CHECK (state IN ('received', 'fetched', 'passed_on', 'parked'));
COMMENT ON COLUMN notification.document IS 'Of one that did not come over ebMS: as it came. It can hold a BSN.';
