"""The in-memory twins of the stores: for tests and for the sandbox, which forgets everything at restart."""
