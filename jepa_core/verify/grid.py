"""The mask of one sample, for the terminal and as pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.text import Text
from torch import Tensor

from jepa_core.verify.context import Context, mode
from jepa_core.verify.mask_picture import MaskPicture, mask_of

OWN, OTHER, HIDDEN = "■", "□", "·"
LEGEND = f"{OWN} sees, in its own block   {OTHER} sees, in another block   {HIDDEN} hidden"
#: Longer names are cut.
LONGEST = 24
#: Dots per inch of the picture file.
SHARPNESS = 200


def example_mask(context: Context) -> MaskPicture:
    """The picture of a sample with a counted pair, or of the first one where there is none."""
    train = context.run.train_dataset
    sample = context.run.collate([train[row] for row in (context.counted_rows or context.training_rows)[:1]])
    with mode(context.objective, filters=False):
        return mask_of(context.objective, context.run.vocabulary, sample)


def grids(picture: MaskPicture) -> Iterator[Text]:
    """Yields a title and a grid for each group of layers that share a mask: rows look, columns are seen."""
    for layers, allowed in picture.allowed.items():
        yield Text(f"{layers}: {int(allowed.sum())} of {allowed.numel()} cells open", style="bold")
        yield _grid(picture, allowed)


def _grid(picture: MaskPicture, allowed: Tensor) -> Text:
    names = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in picture.names]
    width = max(map(len, names))
    blocks = picture.block.tolist()
    text = Text(" " * (width + 9) + " ".join(str(key % 10) for key in range(len(names))) + "\n", style="dim")
    for query, name in enumerate(names):
        text.append(f"{blocks[query]}  {name:>{width}} {query:>3}  ")
        for key in range(len(names)):
            if not allowed[query, key]:
                text.append(f"{HIDDEN} ", style="dim")
            elif blocks[key] == blocks[query]:
                text.append(f"{OWN} ", style="blue")
            else:
                text.append(f"{OTHER} ", style="yellow")
        text.append("\n")
    return text


def picture_names(picture: MaskPicture) -> list[str]:
    """The names of the files: ``mask.png``, or one for each group of layers."""
    count = len(picture.allowed)
    return [f"mask_{number}.png" for number in range(count)] if count > 1 else ["mask.png"]


def write_pictures(picture: MaskPicture, folder: Path) -> list[Path]:
    """Writes the pictures. Raises JepaError where matplotlib is missing or a file can't be written."""
    from jepa_core.display.drawing import draw_mask, write_picture

    paths = [folder / name for name in picture_names(picture)]
    for path, (layers, allowed) in zip(paths, picture.allowed.items(), strict=True):
        figure = draw_mask(layers.capitalize(), allowed, picture.names, picture.block)
        write_picture(figure, path, SHARPNESS)
    return paths
