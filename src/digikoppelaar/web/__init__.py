"""The pages, in Dutch, rendered here; they work without JavaScript."""
