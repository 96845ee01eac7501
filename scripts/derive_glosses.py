"""Derives the text pairs of ``recipes/data/glosses``, definitions and what they define, from WordNet 3.0.

    apt-get install wordnet-base
    python scripts/derive_glosses.py

Reads ``data.noun`` (its format: wndb(5WN)) and ``cntlist.rev`` (how often a word is used in a sense). A pair is a
noun that has one sense only, in any spelling, that texts were found to use at least once, and its definition,
without examples, where that has from three words to 120 characters, doesn't hold the noun itself, and defines no
other noun.

A tenth of the pairs, chosen by a hash of the noun, is kept for evaluation. The output depends on the input alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from derive_wordnet import licence, read_synsets, unambiguous


class Pair(NamedTuple):
    definition: str
    noun: str


def read_glosses(text: str) -> dict[str, str]:
    """Offset -> gloss, from the text of ``data.noun``; lines of the licence start with blanks."""
    lines = (line.split(" | ", 1) for line in text.splitlines() if not line.startswith("  "))
    return {fields[:8]: gloss.strip() for fields, gloss in lines}


def read_counts(text: str) -> Counter[str]:
    """Noun, in lower case -> uses in texts, from lines ``lemma%type:file:id:head:head sense count``; nouns: type 1."""
    counts = Counter[str]()
    for line in text.splitlines():
        key, _, count = line.split()
        lemma, _, rest = key.rpartition("%")
        if rest.startswith("1:"):
            counts[lemma.replace("_", " ")] += int(count)
    return counts


def definition(gloss: str) -> str:
    """A gloss up to its first example, which is quoted."""
    return " ".join(re.split(r'[;:,]?\s*"', gloss)[0].split()).rstrip(";")


def select(text: str, counts: Counter[str]) -> Iterator[Pair]:
    """Pairs as described above, by noun."""
    definitions = {offset: definition(gloss) for offset, gloss in read_glosses(text).items()}
    alike = Counter(definitions.values())
    for offset, noun in sorted(unambiguous(read_synsets(text)).items(), key=lambda item: item[1]):
        said = definitions[offset]
        given_away = re.search(rf"\b{re.escape(noun)}", said, re.IGNORECASE)
        short = len(said.split()) >= 3 and len(said) <= 120
        if counts[noun.lower()] and short and alike[said] == 1 and not given_away:
            yield Pair(said, noun)


def kept(noun: str) -> bool:
    """Tells whether the noun is in the tenth that is evaluated."""
    return int(hashlib.sha256(noun.encode()).hexdigest(), 16) % 10 == 0


def line(pair: Pair) -> str:
    messages = [{"role": "user", "content": pair.definition}, {"role": "assistant", "content": pair.noun}]
    return json.dumps({"messages": messages}) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, default=Path("/usr/share/wordnet"), help="folder of WordNet's files")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent.parent / "recipes/data/glosses")
    options = parser.parse_args()
    if not (options.source / "data.noun").is_file():
        parser.error(f"{options.source}/data.noun: not found; 'apt-get install wordnet-base' brings it")
    text = (options.source / "data.noun").read_text(encoding="ascii")
    pairs = list(select(text, read_counts((options.source / "cntlist.rev").read_text(encoding="ascii"))))

    options.to.mkdir(parents=True, exist_ok=True)
    parts = {
        "train": [pair for pair in pairs if not kept(pair.noun)],
        "test": [pair for pair in pairs if kept(pair.noun)],
    }
    for name, part in parts.items():
        (options.to / f"{name}.jsonl").write_text("".join(map(line, part)))
        print(f"{len(part)} pairs in {name}.jsonl")
    (options.to / "LICENSE.wordnet").write_text(licence(text))


if __name__ == "__main__":
    main()
