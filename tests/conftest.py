"""One thread a test process: several share the cores, and sums in another order are other bits.

A closed terminal ends a run, under ``nohup`` it does not; the tests mean the first, however they were started.
"""

import os
import signal

os.environ["OMP_NUM_THREADS"] = "1"
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
