# %% [markdown]
# # Your own pairs of text
#
# From a file of questions and answers to a model that answers, with LLM-JEPA's loss from the one to the other. The
# model is made new and tiny, so that this takes seconds and downloads nothing; fine-tuning a pretrained model is the
# same recipe with `model.pretrained`.

# %% [markdown]
# ## The data
#
# JSON Lines, one pair a line. Conversations of several turns have `{"messages": [{"role": …, "content": …}, …]}`.

# %%
import json
from pathlib import Path

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def spelled(number):
    return " ".join(WORDS[int(digit)] for digit in str(number))


def write(path, numbers):
    lines = [json.dumps({"prompt": f"spell {number}", "completion": spelled(number)}) for number in numbers]
    Path(path).write_text("\n".join(lines) + "\n")


write("train.jsonl", [number for number in range(10, 1000) if number % 10])
write("test.jsonl", range(10, 1000, 100))
print(Path("train.jsonl").read_text().splitlines()[22])

# %% [markdown]
# ## The recipe
#
# A shipped recipe, with the data exchanged. Every key can be changed this way, here as on the command line
# (`jepa-run regex_jepa data.train=train.jsonl …`); `jepa-run cp regex_jepa my.yaml` gives you the file.

# %%
import jepa_core

recipe = jepa_core.load_recipe(
    "regex_jepa",
    overrides=[
        "data.train=train.jsonl",
        "data.evaluation={test: test.jsonl}",
        "data.tokenizer={train: bpe, size: 280}",
        "model.config={model_type: gpt2, n_layer: 2, n_embd: 64, n_head: 4}",
        "training.max_steps=60",
        "training.warmup_steps=10",
        "training.learning_rate=5e-3",
        "evaluation={also: [{name: generation, scorer: exact, max_new_tokens: 48}]}",
        "output_dir=spelling",
    ],
)

# %% [markdown]
# ## What the model will see
#
# Before you train for hours, look at one sample: which tokens are labelled, and what the pair is. On the command line:
# `jepa-run show-batch`, `jepa-run show-mask`, and `jepa-run verify` for proofs.

# %%
run = jepa_core.build(recipe, device="cpu")
sample = run.train_dataset[22]
labelled = sample["labels"] != jepa_core.IGNORE
print("all   ", "".join(map(run.vocabulary.name, sample["input_ids"].tolist())))
print("labels", "".join(map(run.vocabulary.name, sample["input_ids"][labelled].tolist())))

# %% [markdown]
# Only the answer and its end are labelled: a model that never sees the end of an answer never stops.

# %% [markdown]
# ## Train, and ask

# %%
result = jepa_core.run(recipe, device="cpu")
print(f"next-token loss {result.metrics['test']['ntp_loss']:.2f}, jepa loss {result.metrics['test']['jepa_loss']:.3f}")

# %%
for answer in jepa_core.load("spelling").ask(["spell 41", "spell 999"]):
    print(f"{answer.question}: {answer.found[0].text}")

# %% [markdown]
# Sixty steps are not enough to spell; `jepa-run regex_jepa` as it stands takes five minutes and does answer. The
# folder `spelling` now holds the figures (`metrics.json`), the log, the resolved recipe, and `model/`, which is a plain
# Hugging Face folder. Whether the JEPA loss helped, only a comparison can say: run again with
# `objective.lambda_jepa=0` into another folder, and put both into a report, as the next tutorial does.
