"""One thread a test process: several share the cores, and sums in another order are other bits."""

import os

os.environ["OMP_NUM_THREADS"] = "1"
