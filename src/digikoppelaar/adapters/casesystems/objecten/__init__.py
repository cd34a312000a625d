"""The Objecten API as a case system: documents in the Documenten API, then one object of which the consumer hears."""
