"""Refusal of checkpoints with weights that are not finite, whoever wrote them."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

from jepa_core.checkpoint.manifest import BadCheckpoint, regular_size
from jepa_core.errors import first_line

#: Files not of the model: an optimizer's state, random numbers, and components, which may keep an infinity in a buffer.
_OTHERS = ("optimizer", "random_", "components")
_WRONG = (KeyError, TypeError, ValueError, RuntimeError, OSError, SafetensorError)


def refuse_non_finite(checkpoint: Path) -> None:
    """Raises BadCheckpoint naming the first tensor of the model that holds NaN or infinity."""
    for path in sorted(checkpoint.glob("*.safetensors")):
        if not path.name.startswith(_OTHERS):
            regular_size(path)
            if bad := _first_bad(path):
                raise BadCheckpoint(f"{path}: the weights are not finite ({bad})")


def _first_bad(path: Path) -> str:
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            return next((name for name in names if not file.get_tensor(name).isfinite().all()), "")
    except _WRONG as error:
        raise BadCheckpoint(f"{path}: can't be read: {first_line(error)}") from error
