"""Reading the configuration."""
