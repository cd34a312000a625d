"""Data: addresses, paths and names of the facilities, each with its source and whether it is provisional."""
