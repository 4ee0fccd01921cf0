"""`python -m selfalign` is `selfalign`."""

from selfalign.cli import main

main()
