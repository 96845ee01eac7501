"""Derives the real facts of ``recipes/data/wordnet`` from WordNet 3.0.

    apt-get install wordnet-base
    python scripts/derive_wordnet.py

Reads ``data.noun`` (its format: wndb(5WN)) and keeps facts that exact match can judge and that can be divided
into two groups without a common entity:

- an entity is a synset by its first word, and only if no other noun synset has that word in any spelling;
- a fact is kept when its head has that one tail under the relation, and its tail that one head, in all of
  WordNet;
- whole connected components are taken, those with the most different relations first, then the largest, until
  there are enough facts. Each fact is written in both directions.

The output depends on the input alone.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

#: Pointer symbols of a relation and of its inverse -> their names. `A #m B`: B is a member holonym of A.
PAIRS = {
    ("@", "~"): ("hypernym", "hyponym"),
    ("@i", "~i"): ("instance hypernym", "instance hyponym"),
    ("#m", "%m"): ("member holonym", "member meronym"),
    ("#p", "%p"): ("part holonym", "part meronym"),
    ("#s", "%s"): ("substance holonym", "substance meronym"),
}
INVERSE = dict(PAIRS.values())


@dataclass(frozen=True)
class Synset:
    """words: as WordNet writes them, with blanks; pointers: (symbol, offset of another noun synset)."""

    words: tuple[str, ...]
    pointers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, order=True)
class Fact:
    head: str
    relation: str
    tail: str


def read_synsets(text: str) -> dict[str, Synset]:
    """Offset -> synset, from the text of ``data.noun``; lines of the licence start with blanks."""
    return dict(parse_synset(line) for line in text.splitlines() if not line.startswith("  "))


def parse_synset(line: str) -> tuple[str, Synset]:
    """Parses ``offset file type w_cnt word lex_id […] p_cnt symbol offset pos source/target […] | gloss``."""
    fields = line.split(" | ")[0].split()
    end = 4 + 2 * int(fields[3], 16)
    words = tuple(word.replace("_", " ") for word in fields[4:end:2])
    pointers = zip(fields[end + 1 :: 4], fields[end + 2 :: 4], fields[end + 3 :: 4], strict=False)
    return fields[0], Synset(words, tuple((symbol, offset) for symbol, offset, pos in pointers if pos == "n"))


def unambiguous(synsets: dict[str, Synset]) -> dict[str, str]:
    """Offset -> first word, for the synsets whose first word no other one has, upper or lower case."""
    owners = Counter(word for synset in synsets.values() for word in {w.lower() for w in synset.words})
    return {i: s.words[0] for i, s in synsets.items() if owners[s.words[0].lower()] == 1}


def one_to_one(synsets: dict[str, Synset]) -> Iterator[Fact]:
    """Samples of every relation that are its head's only one and its tail's only one."""
    names = unambiguous(synsets)
    for (symbol, _), (relation, _) in PAIRS.items():
        links = [(i, to) for i, synset in synsets.items() for kind, to in synset.pointers if kind == symbol]
        tails, heads = Counter(i for i, _ in links), Counter(to for _, to in links)
        for i, to in links:
            if tails[i] == heads[to] == 1 and i in names and to in names:
                yield Fact(names[i], relation, names[to])


def components(facts: Iterable[Fact]) -> list[list[Fact]]:
    """The facts in groups that share no entity; facts and groups sorted."""
    at = defaultdict(list)
    for fact in sorted(facts):
        at[fact.head].append(fact)
        at[fact.tail].append(fact)
    groups, seen = [], set()
    for start in sorted(at):
        group, reached = set(), [start]
        while reached:
            entity = reached.pop()
            if entity not in seen:
                seen.add(entity)
                group.update(at[entity])
                reached += [name for fact in at[entity] for name in (fact.head, fact.tail)]
        if group:
            groups.append(sorted(group))
    return groups


def choose(groups: Iterable[list[Fact]], enough: int) -> list[Fact]:
    """Whole groups, those with the most different relations first, then the largest, up to `enough` facts."""
    chosen: list[Fact] = []
    for group in sorted(groups, key=lambda g: (-len({fact.relation for fact in g}), -len(g), g)):
        if len(chosen) + len(group) <= enough:
            chosen += group
    return chosen


def licence(text: str) -> str:
    """The notice at the head of ``data.noun``, without its line numbers."""
    lines = (line for line in text.splitlines() if line.startswith("  "))
    return "".join(re.sub(r"^ +\d+ ?", "", line).rstrip() + "\n" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, default=Path("/usr/share/wordnet/data.noun"))
    parser.add_argument("--to", type=Path, default=Path(__file__).parent.parent / "recipes/data/wordnet")
    parser.add_argument("--facts", type=int, default=1000, help="how many, each written in both directions")
    options = parser.parse_args()
    if not options.source.is_file():
        parser.error(f"{options.source}: not found; 'apt-get install wordnet-base' brings it")
    text = options.source.read_text(encoding="ascii")

    facts = choose(components(one_to_one(read_synsets(text))), options.facts)
    ways = [way for fact in facts for way in (fact, Fact(fact.tail, INVERSE[fact.relation], fact.head))]
    options.to.mkdir(parents=True, exist_ok=True)
    (options.to / "facts.jsonl").write_text("".join(json.dumps(vars(way)) + "\n" for way in ways))
    pairs = yaml.safe_dump({"inverse_pairs": [list(pair) for pair in PAIRS.values()]}, default_flow_style=None)
    (options.to / "relations.yaml").write_text(f"# The facts next to this are from WordNet 3.0.\n{pairs}")
    (options.to / "LICENSE.wordnet").write_text(licence(text))

    entities = {way.head for way in ways}
    print(f"{len(ways)} facts about {len(entities)} entities in {len(components(facts))} components")
    for relation, count in Counter(fact.relation for fact in facts).most_common():
        print(f"{count:5} {relation} / {INVERSE[relation]}")


if __name__ == "__main__":
    main()
