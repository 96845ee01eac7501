# %% [markdown]
# # Reading a report
#
# Did JEPA help? Two small runs that differ in one value, their files, and the page that compares them.

# %%
from pathlib import Path

import jepa_core

small = ["data={name: reversal_curse, entities_both_ways: 60, entities_one_way: 20, name_multiplicity: null}"]
small += ["training.max_steps=60"]
small += ["model.config.n_embd=32", "training.warmup_steps=5", "training.logging_steps=20"]
small += ["training.per_device_train_batch_size=32"]
for name, weight in (("with", 1.0), ("without", 0.0)):
    overrides = [*small, f"objective.lambda_jepa={weight}", f"output_dir=runs/{name}"]
    jepa_core.run(jepa_core.load_recipe("cosine_k1", overrides=overrides), device="cpu")

# %% [markdown]
# ## The figures
#
# `metrics.json` has one block for each set. `train` and `atomic` are directions that were read in training, `test` is
# the direction that was held out: only there the reversal curse shows. `mrr` is the mean of 1 / rank of the right
# answer's tokens among the whole vocabulary, `joint_accuracy` the share of samples whose every answer token ranks
# first. `null` means that there was nothing to measure: with `lambda_jepa` 0 no pair is counted, and there is no
# `jepa_loss` of 0.

# %%
import json

for name in ("with", "without"):
    metrics = json.loads(Path("runs", name, "metrics.json").read_text())
    for split, figures in metrics.items():
        print(f"{name:8} {split:7} mrr {figures['mrr']:.2f}   jepa_loss", figures["jepa_loss"])

# %% [markdown]
# ## The log
#
# `metrics.jsonl` has a line for each logging step. A falling `jepa_loss` alone proves nothing: it also falls when all
# embeddings become the same. That is what health is for: `effective_rank` counts the directions that embeddings use,
# and a run warns when it comes close to one.

# %%
lines = [json.loads(line) for line in Path("runs/with/metrics.jsonl").read_text().splitlines()]
keys = dict.fromkeys(key for line in lines for key in line)
print(*(key for key in keys if "loss" in key or "rank" in key or "cosine" in key), sep="\n")

# %% [markdown]
# ## The page
#
# `jepa-run report runs/with runs/without` writes one page that needs no network: final figures with their differences,
# curves, health, masks and embeddings of both. One seed is no result; `jepa-run study` repeats each arm over seeds,
# tunes them alike, and says intervals.

# %%
from jepa_core.report.record import read_records
from jepa_core.report.report import write_report

page = write_report(
    read_records([Path("runs/with"), Path("runs/without")]), Path("report.html"), jepa_core.Registry.discover()
)
print(f"{page}: {page.stat().st_size // 1000} kB in one file")
