"""The command `digikoppelaar`. Each file here is one group of commands; what they share stands in `context`."""
