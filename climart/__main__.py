"""``python -m climart``."""

from climart.cli import main

main()
