"""`python -m echogan`: the command line."""

import os
import sys

from echogan.cli.main import main
from echogan.core.blas_threads import ONE_BLAS_THREAD

if __name__ == "__main__":
    os.environ.setdefault(*ONE_BLAS_THREAD)  # before numpy is loaded
    sys.exit(main())
