"""`python -m symphony` is the `symphony` command."""

import sys

from symphony.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
