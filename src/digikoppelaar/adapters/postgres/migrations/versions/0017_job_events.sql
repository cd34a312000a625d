-- The queue keeps a row for everything that happens to a job. Nobody reads them: what happened to a verzoek is in our own
-- tables, and a job that ended is deleted. They cost two rows and a cascade for each job.

ALTER TABLE procrastinate_jobs
    DISABLE TRIGGER procrastinate_trigger_status_events_insert_v1,
    DISABLE TRIGGER procrastinate_trigger_status_events_update_v1,
    DISABLE TRIGGER procrastinate_trigger_scheduled_events_v1;
DELETE FROM procrastinate_events;
