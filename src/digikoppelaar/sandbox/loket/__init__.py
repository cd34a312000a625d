"""The Omgevingsloket of the sandbox: pages on which a person submits a verzoek."""
