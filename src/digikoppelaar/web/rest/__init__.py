"""The REST interface for applications: `/service/rest/v19` as ebms-core has it, and `/api/v1` for streams."""
