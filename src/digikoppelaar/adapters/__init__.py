"""The edge: database, files, sockets, keys. Each adapter implements a port of flows.ports."""
