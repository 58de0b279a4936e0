"""The clickstream engagement processor: a pure core, two runtimes, one command line."""

import os

# One process a core: threads of numerical libraries would wait for each other on it. Read when those load.
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")
