"""One thread for numpy's matrix products, for programs that work on several frames at a time.

The products here are of a few columns. On two cores OpenBLAS spent more CPU time waiting for its second thread than
computing: a cine took 84 instead of 60 CPU milliseconds a frame. It reads the environment when numpy is loaded, so each
program says `os.environ.setdefault(*ONE_BLAS_THREAD)` before that.
"""

ONE_BLAS_THREAD = ("OPENBLAS_NUM_THREADS", "1")
