"""Times the evaluation of 3 splits of 3,000 samples against a loop over samples: ``python -m benchmarks.evaluation``.

The loop is what most people would write: per sample a forward pass with logits at every position, per answer
token its rank over the 16,015 tokens, for a paired sample a second, packed pass and its cosine. It runs on
every thirtieth sample, and its time counts thirty times. Both take turns in one process with one thread. Writes
results/evaluation.md and .csv.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from datetime import date
from functools import partial

import torch
from torch import Tensor

from benchmarks.measuring import RESULTS, added_megabytes, medians, table, write_csv
from benchmarks.naive import jepa_loss
from benchmarks.tasks import Size, batches, objective
from jepa_core.evaluation.evaluate import evaluate
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.roles import SampleType
from jepa_plugins.facts.vocabulary import Vocabulary

SIZES = {"2 x 128": Size(2, 128, 4), "4 x 768": Size(4, 768, 12)}
SAMPLES, EVERY, K = 3000, 30, 1


def splits(facts: FactSet) -> dict[str, FactSet]:
    """train, atomic and test, of `SAMPLES` facts each."""
    own = {kind: facts.sample_type == kind for kind in (SampleType.TRAIN, SampleType.ATOMIC)}
    chosen = {kind.name.lower(): rows.nonzero().flatten()[:SAMPLES] for kind, rows in own.items()}
    chosen["test"] = chosen["atomic"]
    return {
        name: FactSet(facts.facts[rows], torch.full((len(rows),), SampleType[name.upper()]))
        for name, rows in chosen.items()
    }


@torch.no_grad()
def loop(model: torch.nn.Module, facts: FactSet, rows: Iterable[int], vocabulary: Vocabulary) -> tuple[float, float]:
    """Mean reciprocal rank and mean distance of these samples."""
    first, pred = vocabulary.first_relation_token_id, vocabulary.token_to_id["<PRED>"]
    ranks, distances = [], []
    for row in rows:
        batch = facts.__getitems__([row])
        logits = model(input_ids=batch["input_ids"]).logits[0]
        ranks.append(reciprocal_rank(logits, batch["labels"][0]))
        if batch["group"][0] == SampleType.TRAIN:
            distances.append(jepa_loss(model, batch["input_ids"], batch["tags"], first, K, pred).item())
    return sum(ranks) / len(ranks), sum(distances) / max(len(distances), 1)


def reciprocal_rank(logits: Tensor, labels: Tensor) -> float:
    """Of a sample, the mean over its answer tokens, ties counted half."""
    found = []
    for place, label in enumerate(labels.tolist()):
        if label != -100:
            row, own = logits[place - 1], logits[place - 1, label]
            better, ties = (row > own).sum().item(), (row == own).sum().item() - 1
            found.append(1 / (1 + better + ties / 2))
    return sum(found) / len(found)


def measure(name: str, rounds: int) -> dict[str, object]:
    data = batches(SIZES[name], K, 1)
    sets = splits(data.facts)
    ours = objective(SIZES[name], K, data.vocabulary, "auto", activation="gelu_pytorch_tanh").eval()
    few = range(0, SAMPLES, EVERY)
    for split, facts in sets.items():  # the two agree, or there is nothing to compare
        found = evaluate(ours, FactSet(facts.facts[torch.tensor(few)], facts.sample_type[few]))
        mrr, distance = loop(ours.model, facts, few, data.vocabulary)
        assert abs(found["mrr"] - mrr) < 1e-4 * mrr, split
        assert abs((found["jepa_loss"] or 0) - distance) < 1e-4, split
    seconds = medians(
        {
            "ours": lambda: [evaluate(ours, facts) for facts in sets.values()],
            "loop": lambda: [loop(ours.model, facts, few, data.vocabulary) for facts in sets.values()],
        },
        rounds,
    )
    memory = {size: round(added_megabytes(partial(evaluate, ours, sets["train"], size))) for size in (512, SAMPLES)}
    return {
        "model": name,
        "samples": 3 * SAMPLES,
        "ours s": round(seconds["ours"], 2),
        "loop s": round(seconds["loop"] * EVERY, 1),
        "ratio": round(seconds["loop"] * EVERY / seconds["ours"], 1),
        "MB added, batch 512": memory[512],
        f"MB added, batch {SAMPLES}": memory[SAMPLES],
        f"MB of the logits of {SAMPLES} samples' labels": round(2 * SAMPLES * data.vocabulary.size * 4 / 1e6),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--models", nargs="*", choices=list(SIZES), default=["2 x 128"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name in options.models:
        rows.append(measure(name, options.rounds))
        print(rows[-1], flush=True)
    write_csv(rows, RESULTS / "evaluation.csv")
    text = f"""# Evaluation against a loop over samples, {date.today()}

`python -m benchmarks.evaluation`: CPU, one thread, fp32, vocabulary 16,015. Both take turns; medians of two
rounds, processor time. The loop ran on every thirtieth sample, and its time is thirty times that.

{table(rows)}
"""
    (RESULTS / "evaluation.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
