"""A page for each shipped recipe, with its mask as ``jepa-run verify`` draws it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from jepa_core import Registry, build, load_recipe
from jepa_core.display.colours import COLOURS
from jepa_core.display.drawing import draw_mask, mask_width, write_picture
from jepa_core.recipe.sources import shipped_recipes
from jepa_core.verify.context import Context
from jepa_core.verify.grid import example_mask, picture_names
from jepa_core.verify.mask_picture import MaskPicture, legend_of

#: Stand-ins, while a recipe's mask is drawn, for data or sizes that aren't here.
_TINY = ["model.config={model_type: gpt2, n_layer: 2, n_embd: 16, n_head: 2}", "training.bf16=false"]
_PAIRS = ["data.train=pairs.jsonl", "data.tokenizer={train: bpe, size: 300}", *_TINY]
STAND_INS = {
    "llm_jepa_finetune": [
        *_PAIRS,
        "data.evaluation={test: pairs.jsonl}",
        "model.pretrained=null",
        "data.template=plain",
    ],
    "pretrain": [*_PAIRS, "data.valid_share=0.25"],
    "paper_scale": ["data.entities_both_ways=2000", "data.entities_one_way=400"],
    "relational_scale": ["data.entities_both_ways=2000", "data.entities_one_way=400"],
    "rehearsal_scale": ["data.entities_both_ways=2000", "data.entities_one_way=400"],
}
_LINES = [{"prompt": "lines of digits", "completion": "[0-9]+"}, {"prompt": "empty lines", "completion": "^$"}]


def recipe_pages() -> tuple[dict[str, str], dict[str, bytes]]:
    """The pages and their pictures."""
    registry = Registry.discover()
    texts, files = {}, {}
    for name, path in shipped_recipes().items():
        picture, pictures = drawn(name, path, registry)
        texts[f"recipes/{name}.md"] = _page(name, path, picture, list(pictures))
        files |= {f"recipes/{file}": content for file, content in pictures.items()}
        files |= {f"recipes/{_dark(file)}": darkened(content) for file, content in pictures.items()}
    return texts, files


def _page(name: str, path: Path, mask: MaskPicture, pictures: list[str]) -> str:
    text = path.read_text(encoding="utf-8")
    description = str(load_recipe(path).description)
    alt = f"Mask of {name}: who sees whom"
    shown = "\n\n".join(f"![{alt}]({picture}#only-light)![{alt}]({_dark(picture)}#only-dark)" for picture in pictures)
    stand_in = " Drawn with tiny data in place of yours." if name in STAND_INS and _PAIRS[0] in STAND_INS[name] else ""
    return (
        f"# {name}\n\n{description}\n\n```sh\njepa-run {name}\njepa-run cp {name} my.yaml\n```\n\n{shown}\n\n"
        f"{legend_of(mask.names)}{stand_in}\n\n"
        f"```yaml\n{text}```\n"
    )


def _dark(picture: str) -> str:
    return picture.replace(".svg", "_dark.svg")


def darkened(svg: bytes) -> bytes:
    """The picture in the colours of dark pages."""
    dark = {"#ffffff": COLOURS["--paper"][1]} | dict(COLOURS.values())
    return re.sub("|".join(dark), lambda found: dark[found[0]], svg.decode()).encode()


def drawn(name: str, path: Path, registry: Registry) -> tuple[MaskPicture, dict[str, bytes]]:
    """A recipe's mask, and the picture or pictures of it by file name, large enough for its tokens to be read."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "pairs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in _LINES * 4))
        overrides = [text.replace("pairs.jsonl", str(folder / "pairs.jsonl")) for text in STAND_INS.get(name, [])]
        run = build(load_recipe(path, overrides, registry=registry), registry)
        picture = example_mask(Context(run, registry))
        files = [folder / Path(file).with_suffix(".svg") for file in picture_names(picture)]
        for file, (layers, allowed) in zip(files, picture.allowed.items(), strict=True):
            write_picture(draw_mask(layers.capitalize(), allowed, picture.names, picture.block), file, 100)
        width = mask_width(len(picture.names))
        return picture, {f"{name}_{file.name}": _wide(file.read_bytes(), width) for file in files}


def _wide(svg: bytes, width: float) -> bytes:
    """The picture at this width, in CSS pixels; as high as it needs."""
    return re.sub(rb'(<svg[^>]*?) width="[^"]*" height="[^"]*"', rb'\1 width="%d"' % width, svg, count=1)
