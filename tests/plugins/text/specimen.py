"""Tokenizers and chat templates as people have them, in small."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

TEXT = [
    "Convert natural language to regular expression.",
    "lines with a vowel and a lower-case letter, zero or more times",
    "lines containing ending with the string 'dog'",
    "~((dog.*[0-9].*){3,}) .*(.*)(([AEIOUaeiou])*).* user assistant system model",
]

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
#: With a system message of its own where there is none.
QWEN = (
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are Qwen.<|im_end|>\n' }}{% endif %}" + CHATML
)
#: Thoughts are taken out of earlier turns, and an empty one is put before the last answer.
QWEN3 = """\
{%- set ns = namespace(last=0) -%}
{%- for m in messages -%}{%- if m.role == 'user' -%}{%- set ns.last = loop.index0 -%}{%- endif -%}{%- endfor -%}
{%- for m in messages -%}
  {%- set content, thought = m.content, '' -%}
  {%- if m.role == 'assistant' and '</think>' in content -%}
    {%- set thought = content.split('</think>')[0].split('<think>')[-1].strip('\\n') -%}
    {%- set content = content.split('</think>')[-1].lstrip('\\n') -%}
  {%- endif -%}
  {{- '<|im_start|>' + m.role + '\\n' -}}
  {%- if m.role == 'assistant' and loop.index0 > ns.last -%}{{- '<think>\\n' + thought + '\\n</think>\\n\\n' -}}{%- endif -%}
  {{- content + '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"""
LLAMA3 = (
    "{{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + "
    "message['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
DATED = "{{ bos_token }}{{ '<|im_start|>system\nToday: ' + strftime_now('%d %b %Y') + '<|im_end|>\n' }}" + CHATML
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
#: The system message stands in the last user turn; there is no generation prompt.
MISTRAL = (
    "{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}{% set turns = messages[1:] %}"
    "{% else %}{% set turns = messages %}{% endif %}{{ bos_token }}{% for message in turns %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('After the optional system message, conversation roles must alternate') }}{% endif %}"
    "{% if message['role'] == 'user' %}{% if loop.last or loop.index0 == turns | length - 2 %}"
    "{{ '[INST] ' + (system + '\n\n' if system is defined else '') + message['content'] + '[/INST]' }}"
    "{% else %}{{ '[INST] ' + message['content'] + '[/INST]' }}{% endif %}"
    "{% else %}{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}"
)
#: The end of text follows the end of the last turn, also of a user's.
PHI3 = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"
)
VICUNA = (
    "{% for message in messages %}{% if message['role'] == 'system' %}{{ message['content'] + ' ' }}"
    "{% elif message['role'] == 'user' %}{{ 'USER: ' + message['content'] + ' ' }}"
    "{% else %}{{ 'ASSISTANT: ' + message['content'] + eos_token }}{% endif %}{% endfor %}"
)
GENERATION = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}"
    "{% else %}{{ message['content'] + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

TEMPLATES = {
    "chatml": CHATML,
    "qwen": QWEN,
    "qwen3": QWEN3,
    "llama3": LLAMA3,
    "dated": DATED,
    "gemma": GEMMA,
    "mistral": MISTRAL,
    "phi3": PHI3,
    "vicuna": VICUNA,
    "generation": GENERATION,
}
_SPECIAL = ["<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<start_of_turn>"]
_SPECIAL += ["<end_of_turn>", "[INST]", "[/INST]", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]
#: What ends an assistant's turn, the end of the text included.
ENDS = {
    "chatml": ["<|im_end|>"],
    "qwen": ["<|im_end|>"],
    "qwen3": ["<|im_end|>"],
    "llama3": ["<|eot_id|>"],
    "dated": ["<|im_end|>"],
    "gemma": ["<end_of_turn>"],
    "mistral": ["</s>"],
    "phi3": ["<|end|>", "</s>"],
    "vicuna": ["</s>"],
    "generation": ["<|im_end|>"],
}


@cache
def _saved(kind: str) -> str:
    """The state of a byte-level BPE, or of one on sentencepiece's pieces with bytes for what it doesn't know."""
    if kind == "bytes":
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    else:
        made = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
        made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        alphabet = ["▁", "\n"]
    special = ["<unk>", "<s>", "</s>", *([f"<0x{i:02X}>" for i in range(256)] if kind != "bytes" else [])]
    trainer = trainers.BpeTrainer(
        vocab_size=len(special) + 420, initial_alphabet=alphabet, special_tokens=special, show_progress=False
    )
    made.train_from_iterator(TEXT * 4, trainer)
    state = json.loads(made.to_str())
    state["added_tokens"] = [token for token in state["added_tokens"] if not token["content"].startswith("<0x")]
    return json.dumps(state)


def tokenizer(template: str | None = "chatml", kind: str = "bytes", bos: bool = False, **options: Any) -> Any:
    """A new tokenizer with the chat template of that name.

    bos: it puts ``<s>`` before every text by default, as Llama's do; kind: ``bytes`` or ``pieces``.
    """
    backend = Tokenizer.from_str(_saved(kind))
    if kind == "bytes":  # GPT-2's and Llama 3's cut white space off the offsets
        steps: list[Any] = [processors.ByteLevel(trim_offsets=True)]
    else:
        steps = []
    if bos:
        one = backend.token_to_id("<s>")
        steps.append(processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", one)]))
    if steps:
        backend.post_processor = processors.Sequence(steps)
    backend.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in _SPECIAL])
    backend.add_tokens(
        [AddedToken("<think>", special=False, normalized=False), AddedToken("</think>", normalized=False)]
    )
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"} | options
    made = PreTrainedTokenizerFast(tokenizer_object=backend, **{k: v for k, v in names.items() if v is not None})
    made.chat_template = TEMPLATES.get(template, template) if template else None
    return made
