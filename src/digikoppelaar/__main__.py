"""`python -m digikoppelaar`: the same as the command."""

from digikoppelaar.cli.app import main

main()
