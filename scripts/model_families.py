"""Tries every kind of causal language model that transformers has, and writes what works into docs/MODELS.md.

    OMP_NUM_THREADS=1 python scripts/model_families.py                # all of them, ten minutes
    OMP_NUM_THREADS=1 python scripts/model_families.py opt gpt_neox   # some of them, told and not written

Each is made tiny, from a configuration as a recipe gives it, checked, trained for three steps, saved, read back, asked
for the same metrics, and compared with what plain transformers generates from the saved folder. Then the same on
conversations: what plain transformers answers from the saved folder, by its own tokenizer and template, is what the run
answers.
"""

from __future__ import annotations

import json
import multiprocessing
import re
import resource
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

import jepa_core
from jepa_core.assembly.load import LoadedRun, evaluate_again
from jepa_core.errors import JepaError
from jepa_core.model.trials import Trials
from jepa_core.registry import Registry

TABLE = Path(__file__).parents[1] / "docs" / "MODELS.md"
#: Seconds and bytes for each, so that one that is large whatever it is told does not stop the others.
PATIENCE, ROOM = 180, 6 << 30

_WIDTHS = (
    "hidden_size d_model n_embd dim intermediate_size ffn_dim decoder_ffn_dim encoder_ffn_dim ffn_hidden_size dim_ff"
)
_WIDTHS += " dff n_inner embedding_size word_embed_proj_dim emb_dim attention_hidden_size feed_forward_size"
_LAYERS = "num_hidden_layers n_layer decoder_layers encoder_layers n_layers num_layers num_decoder_layers"
_HEADS = "num_attention_heads n_head n_heads num_heads decoder_attention_heads encoder_attention_heads"
_HEADS += " num_decoder_attention_heads num_encoder_attention_heads swa_num_attention_heads"
#: Settings that make a model small, under all the names that configurations have for them.
SMALL: dict[str, Any] = {
    **dict.fromkeys(_WIDTHS.split(), 32),
    **dict.fromkeys(_LAYERS.split(), 2),
    **dict.fromkeys(_HEADS.split(), 4),
    **dict.fromkeys(["num_key_value_heads", "swa_num_key_value_heads"], 2),
    **dict.fromkeys(["head_dim", "dim_head", "swa_head_dim", "v_head_dim", "attention_head_size"], 8),
    **dict.fromkeys(["max_position_embeddings", "n_positions", "max_seq_len"], 64),
    **dict.fromkeys(["num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"], 4),
    **dict.fromkeys(["num_experts_per_tok", "moe_topk", "moe_k"], 2),
    **dict.fromkeys(["moe_intermediate_size", "shared_expert_intermediate_size", "shared_intermediate_size"], 16),
    **dict.fromkeys(["expert_intermediate_size", "expert_ffn_hidden_size"], 16),
    **dict.fromkeys(["n_group", "topk_group", "mamba_n_groups", "n_groups", "mamba_ngroups"], 1),
    **dict.fromkeys(["q_lora_rank", "kv_lora_rank", "index_head_dim", "hidden_size_per_layer_input"], 8),
    **dict.fromkeys(["qk_rope_head_dim", "qk_nope_head_dim", "rotary_dim", "index_topk"], 4),
    **dict.fromkeys(["index_n_heads", "n_mamba_heads", "linear_num_key_heads"], 2),
    **dict.fromkeys(["linear_value_head_dim", "linear_key_head_dim", "mamba_d_state", "mamba_chunk_size"], 8),
    **dict.fromkeys(["mamba_n_heads", "linear_num_value_heads"], 4),
    **dict.fromkeys(["mamba_d_head", "state_size"], 16),
    "first_k_dense_replace": 1,
}
_LATENT: dict[str, Any] = {"num_key_value_heads": 4}
_ROTARY: dict[str, Any] = {"rope_type": "default", "rope_theta": 10000.0}
#: Further or other settings that some kinds need.
SPECIAL: dict[str, dict[str, Any]] = {
    **dict.fromkeys(["axk1", "axk2", "deepseek_v2", "deepseek_v3", "deepseek_v32"], _LATENT),
    **dict.fromkeys(["glm4_moe_lite", "glm_moe_dsa"], _LATENT),
    **dict.fromkeys(["minicpm3", "youtu"], _LATENT),
    "bailing_hybrid": {"layer_group_size": 2, **_LATENT},
    "bamba": {"attn_layer_indices": [1]},
    "cohere_compass_text": {"rope_parameters": {"full_attention": _ROTARY, "sliding_attention": _ROTARY}},
    "dbrx": {
        "attn_config": {"kv_n_heads": 2, "rope_theta": 10000.0, "clip_qkv": 8.0},
        "ffn_config": {"ffn_hidden_size": 32, "moe_num_experts": 4, "moe_top_k": 2},
    },
    "dots1": {"n_shared_experts": 1},
    "dots3_note_text": {**_LATENT, "mlp_layer_types": ["dense", "sparse"], "shared_experts_intermediate_size": 16},
    "falcon_h1": {"mamba_d_ssm": 32, "mamba_d_head": 8},
    "gemma3n_text": {
        "num_kv_shared_layers": 0,
        "layer_types": ["sliding_attention", "full_attention"],
        "activation_sparsity_pattern": [0.0, 0.0],
        "laurel_rank": 4,
    },
    "gemma4_text": {"num_kv_shared_layers": 0},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
    "jamba": {"attn_layer_offset": 1, "attn_layer_period": 2},
    **{
        name: {"layer_types": ["linear_attention", "full_attention"]}
        for name in ("qwen3_5_moe_text", "qwen3_5_text", "qwen3_next")
    },
    "recurrent_gemma": {"block_types": ["recurrent", "attention"]},
    "xlm": {"causal": True},
    "granitemoehybrid": {"layer_types": ["mamba", "attention"]},
    "jetmoe": {"kv_channels": 8},
    "lfm2_moe": {"layer_types": ["full_attention", "conv"]},
    "longcat_flash": {**_LATENT, "head_dim": 4, "zero_expert_num": 1},
    "mamba2": {"num_heads": 8, "head_dim": 8},
    "reformer": {
        "attn_layers": ["local", "local"],
        "axial_pos_embds": False,
        "local_attn_chunk_length": 4,
        "num_hashes": 1,
    },
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
    "zamba": {
        "num_hidden_layers": 4,
        "layers_block_type": ["mamba", "hybrid", "mamba", "hybrid"],
        "attention_head_dim": 16,
        "attention_hidden_size": 64,
    },
    "zamba2": {"layers_block_type": ["linear_attention", "hybrid"], "n_mamba_heads": 8, "num_mem_blocks": 1},
    "zaya": {"num_experts_per_tok": 1},
}


def small(model_type: str) -> dict[str, Any]:
    """``model.config`` of a recipe: this kind, as small as it can be told."""
    own = {field.name for field in fields(CONFIG_MAPPING[model_type])} - {
        field.name for field in fields(PreTrainedConfig)
    }
    return {
        "model_type": model_type,
        **{key: value for key, value in SMALL.items() if key in own},
        **({"is_decoder": True} if "is_decoder" in own else {}),
        **SPECIAL.get(model_type, {}),
    }


@dataclass(frozen=True)
class Family:
    """works: trained, saved and read back; attention: the kernel it was run with; masks, layer_masks, layers,
    no_positions: what else it can be given or read; text: how its views of conversations have to be rendered; why: what
    keeps it from working, or from the usual rendering."""

    model_type: str
    works: bool
    attention: str = ""
    positions: str = ""
    masks: bool = False
    layer_masks: bool = False
    layers: bool = False
    no_positions: bool = False
    text: str = ""
    why: str = ""

    @property
    def can(self) -> tuple[bool, ...]:
        return self.masks, self.layer_masks, self.layers, self.no_positions


def family(model_type: str, folder: Path, registry: Registry) -> Family:
    """Tries one as recipes are by default; else with what the refusal says to set."""
    attention, positions, why = "sdpa", "continue", ""
    for attempt in range(3):
        try:
            return _works(model_type, folder / str(attempt), registry, attention, positions)
        except JepaError as error:
            why = _told(error)
        if "set model.attn_implementation: eager" in why and attention == "sdpa":
            attention = "eager"
        elif "positions: restart" in why and positions == "continue":
            positions = "restart"
        else:
            break
    return Family(model_type, False, why=why)


def _told(error: Exception) -> str:
    """An error in one line, without places of this machine."""
    words = re.sub(r"^command line: model\.config(\.model_type)?: ", "", " ".join(str(error).split()))
    if "can't allocate memory" in words or "into the memory" in words:
        return f"takes more than {ROOM >> 30} GiB of memory, however small it is told to be"
    return re.sub(r" \([^)]*\.py:\d+\)", "", words)


def _works(model_type: str, folder: Path, registry: Registry, attention: str, positions: str) -> Family:
    overrides = [*_overrides(model_type, folder, attention), f"objective.positions={positions}"]
    recipe = jepa_core.load_recipe("cosine_k1", overrides=overrides, registry=registry)
    result = jepa_core.run(recipe, registry=registry, device="cpu")
    again = evaluate_again(folder, registry=registry)
    if again != result.metrics:
        raise JepaError("read back, it gives other metrics")
    loaded = jepa_core.load(folder, registry)
    transformer, trials = loaded.objective.transformer, Trials(loaded.objective.transformer._open)
    plain = AutoModelForCausalLM.from_pretrained(folder / "model", attn_implementation=attention).eval()
    if _generated(plain) != _spelled(transformer):
        raise JepaError("plain transformers generates something else from the saved folder")
    text, why = _speaks(model_type, folder / "text", registry, attention)
    return Family(
        model_type,
        True,
        attention,
        positions,
        masks=trials.mask_problem is None,
        layer_masks=trials.layer_mask_problem is None,
        layers=_layers_readable(transformer),
        no_positions=_can_forget(transformer),
        text=text,
        why=why,
    )


def _model(model_type: str, attention: str) -> str:
    config = ", ".join(f"{key}: {_yaml(value)}" for key, value in small(model_type).items())
    return f"model={{config: {{{config}}}, attn_implementation: {attention}}}"


def _overrides(model_type: str, folder: Path, attention: str) -> list[str]:
    return [
        f"output_dir={folder}",
        _model(model_type, attention),
        "data={name: reversal_curse, entities_both_ways: 12, entities_one_way: 6, relation_pairs: 1}",
        "data.name_multiplicity=null",
        "training={max_steps: 3, per_device_train_batch_size: 6, learning_rate: 1.0e-2, save_steps: 2}",
    ]


def _yaml(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(item)}" for key, item in value.items()) + "}"
    return "[" + ", ".join(map(_yaml, value)) + "]" if isinstance(value, list | tuple) else str(value)


#: Short questions and answers.
SAID = {"ab": "b+", "cd e": "d*", "ef": "e|f", "gh": "g", "ij k": "[ij]", "l": "l{2}", "mno": ".*m"}


def _speaks(model_type: str, folder: Path, registry: Registry, attention: str) -> tuple[str, str]:
    """The rendering of views by which it can be trained on conversations, and why it is not the usual one."""
    why = ""
    for rendering in ("prefix", "alone"):
        try:
            loaded = spoken(model_type, folder / rendering, registry, attention, rendering)
        except JepaError as error:
            why = why or _told(error)
            continue
        try:
            said, plain = answers(loaded), plain_answers(folder / rendering / "run", attention)
        except Exception as error:  # code of 200 kinds of models
            return "", f"can't generate: {error}"
        if said != plain:
            raise JepaError("plain transformers answers something else from the saved folder")
        return rendering, why
    return "", why


def spoken(
    model_type: str, folder: Path, registry: Registry, attention: str, rendering: str = "prefix", steps: int = 3
) -> LoadedRun:
    """A run on conversations, with a JEPA loss from questions to answers, trained and read back."""
    folder.mkdir(parents=True)
    file = folder / "said.jsonl"
    file.write_text("".join(json.dumps({"prompt": q, "completion": a}) + "\n" for q, a in SAID.items()))
    overrides = [
        f"output_dir={folder / 'run'}",
        _model(model_type, attention),
        f"data={{name: messages, train: {file}, template: plain, tokenizer: {{train: bytes}}}}",
        f"objective.reversal={{name: prompt_to_answer, rendering: {rendering}}}",
        "evaluation.also=[]",
        f"training={{max_steps: {steps}, per_device_train_batch_size: 7, learning_rate: 3.0e-2, save_steps: null, "
        "warmup_steps: 0, logging_steps: 1}",
    ]
    recipe = jepa_core.load_recipe("regex_jepa", overrides=overrides, registry=registry)
    jepa_core.run(recipe, registry=registry, device="cpu")
    return jepa_core.load(folder / "run", registry)


#: Tokens of an answer at the most, and how many questions are asked.
LENGTH, ASKED = 8, 3


def answers(loaded: LoadedRun) -> list[str]:
    """The answers of the run."""
    return [found.found[0].text for found in loaded.asker(max_new_tokens=LENGTH)([*SAID][:ASKED])]


def plain_answers(run: Path, attention: str) -> list[str]:
    """The answers of transformers alone from the saved folder, by the tokenizer's template and the model's end."""
    tokenizer: Any = AutoTokenizer.from_pretrained(run / "model")
    model: Any = AutoModelForCausalLM.from_pretrained(run / "model", attn_implementation=attention).eval()
    predictors = json.loads((run / "vocabulary.json").read_text(encoding="utf-8"))["pred_ids"]
    found = []
    for question in [*SAID][:ASKED]:
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": question}], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        ids, mask = prompt["input_ids"], prompt["attention_mask"]
        options = {"max_new_tokens": LENGTH, "do_sample": False, "use_cache": False, "suppress_tokens": predictors}
        out = model.generate(ids, attention_mask=mask, **options)[0, ids.shape[1] :]
        found.append(tokenizer.decode(out, skip_special_tokens=True))
    return found


PROMPT = (1, 2, 3, 4)


def _generated(model: Any) -> list[int]:
    """The tokens that transformers' own greedy generation puts after the prompt."""
    ids = torch.tensor([PROMPT])
    options = {"max_new_tokens": 3, "do_sample": False, "use_cache": False, "pad_token_id": 0}
    out: list[int] = model.generate(ids, attention_mask=torch.ones_like(ids), **options)[0].tolist()
    return out[len(PROMPT) :]


@torch.no_grad()
def _spelled(transformer: Any) -> list[int]:
    """The same by hidden states and logits as the objective gets them."""
    ids = list(PROMPT)
    for _ in range(3):
        row = torch.tensor([ids])
        last = transformer(row, torch.arange(len(ids))[None], None, [transformer.num_layers])[transformer.num_layers]
        ids.append(int(transformer.logits(last[0, -1]).argmax()))
    return ids[len(PROMPT) :]


@torch.no_grad()
def _layers_readable(transformer: Any) -> bool:
    ids = torch.arange(3)[None]
    try:
        found = transformer(ids, ids, None, range(transformer.num_layers + 1))
        return all(transformer.layer_logits(found[n], n) is not None for n in range(transformer.num_layers + 1))
    except JepaError:
        return False


def _can_forget(transformer: Any) -> bool:
    transformer.model.config._name_or_path = ""
    try:
        transformer.forget_positions()
        transformer.check("none")
    except JepaError:
        return False
    return True


def _limited(model_type: str, connection: Any) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = family(model_type, Path(folder), Registry.discover())
        except Exception as error:  # a fault of ours: it belongs in the table too
            too_large = "can't allocate memory" in str(error)
            found = Family(model_type, False, why=_told(error if too_large else JepaError(f"FAILS: {error!r}")))
    connection.send(asdict(found))


def apart(model_type: str) -> Family:
    """Tries one in a process of its own."""
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_limited, args=(model_type, sending))
    process.start()
    sending.close()
    try:
        if receiving.poll(PATIENCE):
            return Family(**receiving.recv())
        return Family(model_type, False, why=f"takes more than {PATIENCE} s, however small it is told to be")
    except EOFError:
        return Family(model_type, False, why="ends the process")
    finally:
        process.kill()
        process.join()


def _import_all() -> None:
    """Imports everything once, since each process's own imports would take longer than its work."""
    with tempfile.TemporaryDirectory() as folder:
        family("llama", Path(folder), Registry.discover())


def main(names: Sequence[str]) -> None:
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    _import_all()
    found = []
    for name in names or sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES):
        found.append(apart(name))
        print(_line(found[-1]), flush=True)
    if not names:
        TABLE.write_text("\n".join(page(found)) + "\n", encoding="utf-8")


HEADING = """\
# Models

Which kinds of causal language models of transformers {version} can be trained here, tried one by one by
[scripts/model_families.py](../scripts/model_families.py): {works} of {tried} work. Each is made from `model.config` as
small as it can be told, and checked before anything trains: the logits are those of the model's own forward, with
whatever it scales or caps, and no token sees a later one. Then it is trained for three steps, saved and read back (the
metrics are the same), and plain transformers generates the same from the saved folder as is predicted here.

`model_type` is what `config.json` of a model says; a model of this kind also starts from `model.pretrained`. Which
kernel and which positions a recipe has to set stands in the table where they are not the usual ones:

- **attention**: `model.attn_implementation`. `eager` where the kind has no other.
- **positions**: `objective.positions`. `restart` where the model counts positions itself, from the start of each row.
- **masks**: may several views share a row, or a mask be another than "each view by itself" (`layout: packed`)? Models
  with a state that runs on from token to token see past a mask; they train with `layout: rows`, which `auto` chooses.
- **by layer**: may each layer have a mask of its own?
- **layers**: can states between the layers be read (`layer` of an embedding, `evaluation.per_layer`)?
- **no positions**: does `positions: none` take the order away?
- **text**: trained on conversations (`messages`, `prompt_to_answer`) too, saved, and asked: plain transformers answers
  the same from the saved folder. `alone` where the source view has to be rendered by itself (`rendering: alone`).

A model that is more than a language model (`gemma3`, with images) is refused with the name of the language model in it
(`gemma3_text`). Kinds that are encoders unless told otherwise (`bert`) need `is_decoder: true`. A mixture of experts
with `output_router_logits: true` asks for its load-balancing loss too.

| model_type | attention | positions | masks | by layer | layers | no positions | text |
|---|---|---|---|---|---|---|---|"""
REFUSED = """
## Refused

What is told of each: before anything trains, but for those whose saved folder is read otherwise than it was written,
and those that FAIL, or take too long, in this trial.

| model_type | why |
|---|---|"""


def page(found: Sequence[Family]) -> Iterator[str]:
    """docs/MODELS.md, line by line."""
    works = [one for one in found if one.works]
    yield HEADING.format(version=transformers.__version__, works=len(works), tried=len(found))
    for one in works:
        yield _row(f"`{one.model_type}`", one.attention, one.positions, *map(_mark, one.can), TEXT[one.text])
    yield REFUSED
    for one in found:
        if not one.works:
            yield _row(f"`{one.model_type}`", one.why.replace("|", "\\|"))


#: Rendering of views -> its words in the table.
TEXT = {"prefix": "yes", "alone": "alone", "": "–"}


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _mark(can: bool) -> str:
    return "yes" if can else "–"


def _line(one: Family) -> str:
    """A family's line on the terminal."""
    told = f"{one.attention}, {one.positions}, {one.can}, {TEXT[one.text]} {one.why}" if one.works else one.why
    return f"{one.model_type}: {'works' if one.works else 'refused'}: {told}"


if __name__ == "__main__":
    main(sys.argv[1:])
