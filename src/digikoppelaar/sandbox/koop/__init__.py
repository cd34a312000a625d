"""KOOP of the sandbox: 3PAS, DROP and what they publish."""
