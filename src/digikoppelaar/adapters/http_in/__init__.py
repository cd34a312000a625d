"""Everything that listens: the TLS listeners, the ebMS endpoint, health and metrics."""
