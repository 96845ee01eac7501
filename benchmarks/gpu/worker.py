"""Runs stages one after the other in this process: ``python -m benchmarks.gpu.worker HOME UNTIL SCALE STAGE…``.

After a stage that failed it ends, since a broken CUDA context breaks whatever comes after it.
"""

from __future__ import annotations

import sys
import time
import traceback
from importlib import import_module
from pathlib import Path

from benchmarks.gpu.results import Skipped, begin
from benchmarks.gpu.sizes import FULL, TINY, Sizes
from benchmarks.gpu.stages import STAGES


def run_stage(name: str, home: Path, until: float, scale: float, sizes: Sizes) -> bool:
    """False where it failed."""
    result = begin(home, name, min(time.time() + STAGES[name].seconds * scale, until))
    try:
        import_module(f"benchmarks.gpu.{name}").run(result, sizes)
    except Skipped as reason:
        result.end("skipped", str(reason))
    except Exception as error:  # a stage may fail in any way; the report says how
        traceback.print_exc()
        result.end("failed", one_line(error))
        return False
    else:
        result.end("beyond" if result.reason else "ok", result.reason)
    return True


def one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"


def free_memory() -> None:
    """Frees the memory that a stage left on the device, before the next one."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def main() -> int:
    home, until, scale, *names = sys.argv[1:]
    sizes = TINY if tiny_here() else FULL
    for name in names:
        if not run_stage(name, Path(home), float(until), float(scale), sizes):
            return 1
        free_memory()
    return 0


def tiny_here() -> bool:
    """Asked for, or all that a machine without a GPU can do in the time."""
    import torch

    from benchmarks.gpu.check import tiny_asked

    return tiny_asked() or not torch.cuda.is_available()


if __name__ == "__main__":
    sys.exit(main())
