"""OIN, certificate profile and chain policy as a pure core."""
