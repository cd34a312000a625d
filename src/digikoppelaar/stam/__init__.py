"""STAM documents as values: notification and verzoek, tolerant of what is not public. Pure."""
