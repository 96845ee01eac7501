"""A tokenizer trained on the conversations themselves, for new models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal, NotRequired

from typing_extensions import TypedDict  # pydantic takes typing's own only from Python 3.12 on

from jepa_plugins.text.conversation import Conversation
from jepa_plugins.text.template import PLAIN

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, END = "<|pad|>", "<|end|>"
#: Every byte is a token, so that nothing is unknown.
BYTES = 256


class TrainTokenizer(TypedDict):
    """train: ``bytes``, a token a byte, or ``bpe``, bytes merged into `size` tokens."""

    train: Literal["bytes", "bpe"]
    size: NotRequired[int]


def check_vocabulary_size(wanted: TrainTokenizer) -> None:
    """Raises ValueError for a size that the kind can't have."""
    smallest, size = BYTES + len((PAD, END)), wanted.get("size")
    if wanted["train"] == "bytes" and size is not None:
        raise ValueError(f"tokenizer.size: 'bytes' has {smallest} tokens: leave out")
    if wanted["train"] == "bpe" and (size is None or size <= smallest):
        raise ValueError(f"tokenizer.size: expected more than {smallest}, not {size}")


def train(conversations: Iterable[Conversation], wanted: TrainTokenizer) -> str:
    """Trains a tokenizer on the contents; returns its state, the content of ``tokenizer.json``.

    With too little text for that many tokens it has fewer.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    check_vocabulary_size(wanted)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    size = wanted.get("size", BYTES + len((PAD, END)))
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, special_tokens=[PAD, END], show_progress=False
    )
    texts = _contents(conversations) if wanted["train"] == "bpe" else ()
    tokenizer.train_from_iterator(texts, trainer)
    state: str = tokenizer.to_str()
    return state


def from_state(state: str) -> PreTrainedTokenizerFast:
    """Makes the tokenizer of a state of :func:`train`; its template is plain, with ``<|end|>`` after answers."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer.from_str(state)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token=END, pad_token=PAD)
    tokenizer.chat_template = PLAIN
    return tokenizer


def _contents(conversations: Iterable[Conversation]) -> Iterator[str]:
    for conversation in conversations:
        yield from conversation.contents
