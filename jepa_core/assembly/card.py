"""The README of a run's folder, and of an exported model: what it was trained on, how to load it, what it can answer.

It reads what the run noted, and nothing else, so both are written by the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jepa_core.display.terminal import figure
from jepa_core.errors import JepaError
from jepa_core.folder.files import finite_number
from jepa_core.folder.ours import TABLE, write_own
from jepa_core.folder.run_folder import RunFolder
from jepa_core.recipe.abridged import name_of, weight
from jepa_core.recipe.resolve import dump_yaml
from jepa_core.recipe.strict_yaml import load_yaml

Metrics = Mapping[str, Mapping[str, Any]]

#: Figures by which the plain model's whole answers are judged: the first of these that a set has.
WHOLE_ANSWERS = {
    "plain_joint_accuracy": "written whole, by greedy generation",
    "generated_content": "right in content, by greedy generation",
    "joint_accuracy": "every token right, given those before it",
}
CAN, CAN_NOT = 0.9, 0.1
LOAD_RUN = """\
```python
import jepa_core

run = jepa_core.load("{name}")  # the path of this folder: .objective .model .components .recipe
run.ask("…")                    # through the objective where the recipe predicts with it; plain=True: the model alone
```

`model/` is a folder of transformers': `AutoModelForCausalLM.from_pretrained("{name}/model")`. It holds predictor tokens
too; `jepa-run export {name} DIR` makes a folder without them, for `pipeline("text-generation")`.
"""
LOAD_EXPORTED = """\
```python
from transformers import pipeline

write = pipeline("text-generation", model="{name}")  # the path of this folder, or its id on the Hub
write("…", max_new_tokens=20)
```

This is the plain language model. Predictors and other parts of the training objective stay in the run's folder, which
`jepa_core.load` reads.
"""


def write_card(path: Path, recipe: Mapping[str, Any], metrics: Metrics) -> bool:
    """Writes the README, over an older one of ours; returns False where somebody else's is there, which stays.

    recipe: the run's resolved one, as plain data, with the run's notes under ``resolved``."""
    try:
        write_own(path, card(path.parent.name, recipe, metrics, exported=False).encode())
    except JepaError:
        if path.exists():
            return False
        raise
    return True


def card_of(folder: RunFolder, name: str) -> str:
    """The README of an exported model, from the files of its run."""
    return card(name, load_yaml(folder.recipe).data, folder.read_metrics(), exported=True)


def card(name: str, recipe: Mapping[str, Any], metrics: Metrics, exported: bool) -> str:
    """The text of the README. name: the folder's."""
    said = {key: value for key, value in recipe.items() if key != "resolved"}
    made_with = recipe.get("resolved") or {}
    parts = [
        f"{_front_matter(recipe)}{TABLE}\n# {name}",
        recipe.get("description") or "",
        f"## What it was trained on\n\n{_trained_on(recipe, made_with)}",
        f"## Load it\n\n{(LOAD_EXPORTED if exported else LOAD_RUN).format(name=name).rstrip()}",
        f"## What the plain model can answer\n\n{_answers(metrics, made_with.get('captions') or {})}",
        f"## Figures\n\n{_table(metrics)}",
        f"## Recipe\n\n```yaml\n{dump_yaml(said).rstrip()}\n```",
        f"## Licences\n\n{_licences(recipe, made_with)}",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _front_matter(recipe: Mapping[str, Any]) -> str:
    """The header that the Hugging Face Hub reads."""
    told: dict[str, Any] = {"library_name": "transformers", "pipeline_tag": "text-generation", "tags": ["jepa-core"]}
    if base := recipe["model"].get("pretrained"):
        told["base_model"] = base
    return f"---\n{dump_yaml(told)}---\n"


def _trained_on(recipe: Mapping[str, Any], made_with: Mapping[str, Any]) -> str:
    model, objective, training = recipe["model"], recipe["objective"], recipe["training"]
    config = model.get("config")
    kind = config["model_type"] if isinstance(config, dict) else config
    source = f"`{model['pretrained']}`, tuned" if model.get("pretrained") else f"A {kind} model, trained from scratch"
    sets = {part: of["size"] for part, of in (made_with.get("data") or {}).items() if part != "vocabulary"}
    sizes = ", ".join(f"{part} {size:,}" for part, size in sets.items())
    samples = f" (samples: {sizes})" if sizes else ""
    steps, epochs = training.get("max_steps"), training.get("num_train_epochs")
    long = f"{steps:,} steps" if steps else f"{epochs} epochs"
    version = (made_with.get("versions") or {}).get("jepa-core", "")
    return (
        f"{source} for {long} by jepa-core {version} on `{name_of(recipe['data'])}`"
        f"{samples}, seed {recipe['seed']}. Its loss is "
        f"{objective['gamma_ntp']:g} × next-token prediction + {weight(objective['lambda_jepa'])} × "
        f"{name_of(objective['distance'])} distance between two views (`{name_of(objective['reversal'])}`)."
    )


def _answers(metrics: Metrics, captions: Mapping[str, str]) -> str:
    rows = list(_whole_answers(metrics))
    if not rows:
        return "Nothing of the kind was measured: the recipe evaluates no answers."
    lines = [
        f"- {_verdict(value)} `{split}`{_what(captions, split)}: {value:.1%} {words}" for split, value, words in rows
    ]
    return "\n".join(["Without the objective, by its own tokens:", "", *lines])


def _what(captions: Mapping[str, str], split: str) -> str:
    return f", {captions[split]}" if split in captions else ""


def _verdict(value: float) -> str:
    return "It answers" if value >= CAN else "It does not answer" if value <= CAN_NOT else "It answers some of"


def _whole_answers(metrics: Metrics) -> Iterator[tuple[str, float, str]]:
    """Yields set, share of answers that are right as a whole, and how that was judged."""
    for split, figures in metrics.items():
        for name, words in WHOLE_ANSWERS.items():
            value = finite_number(figures.get(name))
            if value is not None:
                yield split, value, words
                break


def _table(metrics: Metrics) -> str:
    names = dict.fromkeys(
        name for of in metrics.values() for name, value in of.items() if finite_number(value) is not None
    )
    shown = [name for name in names if not re.search(r"_token\d+$", name)]
    rows = [[name, *(figure(of.get(name)) for of in metrics.values())] for name in shown]
    return "\n".join(_row(cells) for cells in (["", *metrics], ["---", *("---:" for _ in metrics)], *rows))


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _licences(recipe: Mapping[str, Any], made_with: Mapping[str, Any]) -> str:
    lines = ["- jepa-core: Apache-2.0"]
    lines += [f"- data: {text}" for text in made_with.get("licences") or ()]
    if base := recipe["model"].get("pretrained"):
        lines.append(f"- `{base}`: its own licence holds for this model too")
    lines.append("- these weights: whoever trained them says; nothing is said here")
    return "\n".join(lines)
