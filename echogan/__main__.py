"""`python -m echogan`: the command line."""

import sys

from echogan.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
