"""What the gateway does, readable as a procedure manual. What it needs from outside stands in `ports`."""
