"""``jepa-run data``: make a task's files, and look into them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jepa_core import DataError
from jepa_core.cli.help import HelpfulCommand, HelpfulGroup
from jepa_core.streams import plain
from jepa_plugins.facts.task_size import TaskSize

if TYPE_CHECKING:
    from jepa_plugins.facts.pack import Packed
    from jepa_plugins.facts.store_manifest import Manifest
    from jepa_plugins.facts.task import FactTask

app = typer.Typer(
    cls=HelpfulGroup,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Make a reversal task's files, and look into them.\n\nA task is a folder: train.json (a list of "
    "facts), valid.json (the splits train, atomic and test) and vocab.json (token -> id). A recipe reads it "
    "with 'data: {name: reversal_curse, path: DIR}'.",
)


@app.command(cls=HelpfulCommand)
def generate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; made when it is not there.")],
    seed: Annotated[
        int, typer.Option(metavar="N", help="The same seed and sizes make the same files everywhere.")
    ] = 42,
    entities_both_ways: Annotated[
        int, typer.Option(metavar="N", help="Entities whose facts are trained in both directions. Even.")
    ] = TaskSize.entities_both_ways,
    entities_one_way: Annotated[
        int,
        typer.Option(metavar="N", help="Entities whose facts are trained in one direction, the other held out. Even."),
    ] = TaskSize.entities_one_way,
    relation_pairs: Annotated[
        int, typer.Option(metavar="N", help="Relations with an inverse; each pairs the entities anew.")
    ] = TaskSize.relation_pairs,
    name_multiplicity: Annotated[
        int | None,
        typer.Option(metavar="N", help="How many entities share each first and each last name.", show_default="10"),
    ] = None,
    one_token_names: Annotated[
        bool, typer.Option("--one-token-names", help="A token of its own for every entity, no shared names.")
    ] = False,
    name_tokens: Annotated[
        int,
        typer.Option(metavar="N", help="Tokens of a name; those between the first and the last are shared by as many."),
    ] = TaskSize.name_tokens,
    partners: Annotated[
        int,
        typer.Option(metavar="N", help="Right answers of a question: with so many others a relation links an entity."),
    ] = TaskSize.partners,
    evaluation_samples: Annotated[
        int, typer.Option(metavar="N", help="At most so many facts in each split of valid.json.")
    ] = TaskSize.evaluation_samples,
    packed: Annotated[
        bool, typer.Option("--packed", help="Write memory maps instead, as 'data pack' does: for millions of facts.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a task that is in DIR.")] = False,
) -> None:
    """Generate a reversal task as files.

    Facts about made-up entities: relations pair them at random, as in Wang and Sun 2025 (arXiv
    2504.01928). A recipe with 'path: null' generates the same facts in memory from the same seed and sizes.

    Example: jepa-run data generate my_task --relation-pairs 3
    """
    if one_token_names and name_multiplicity is not None:
        raise DataError("--name-multiplicity: has no effect with --one-token-names: give one of them")
    shared_by = TaskSize.name_multiplicity if name_multiplicity is None else name_multiplicity
    size = TaskSize(
        entities_both_ways,
        entities_one_way,
        relation_pairs,
        None if one_token_names else shared_by,
        evaluation_samples,
        name_tokens,
        partners,
    )

    if packed:
        from jepa_plugins.facts.pack import pack_generated

        _packing(folder, lambda done: pack_generated(size, seed, folder, overwrite, done))
        return

    from jepa_plugins.facts.generate import generate_task
    from jepa_plugins.facts.write import refuse_overwriting, write_folder

    refuse_overwriting(folder, overwrite)
    size.refuse_in_memory()
    task = generate_task(size, seed)
    write_folder(task, folder, overwrite)
    made = f"{len(task.train)} training facts about {size.entities} entities, {_splits(task)} to ask"
    typer.echo(plain(f"{folder}: {made}"))


@app.command(cls=HelpfulCommand)
def pack(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A folder with train.json, valid.json, vocab.json.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; made when it is not there.")],
    relations: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="YAML file of inverse_pairs and symmetric relations, where the names don't say."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a packed task that is in DIR.")] = False,
) -> None:
    """Pack a task's files into memory maps.

    Everything is checked once, and a fact that stands twice in the training set is kept once. A recipe reads
    DIR as it reads SOURCE, but starts at once and keeps the facts on disk, however many there are.

    Example: jepa-run data pack my_task my_task_packed
    """
    from jepa_plugins.facts.pack import pack_folder

    _packing(folder, lambda done: pack_folder(source, folder, relations, overwrite, done))


@app.command(cls=HelpfulCommand)
def check(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder with train.json, valid.json, vocab.json; or a packed one.")
    ],
    relations: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="YAML file of inverse_pairs and symmetric relations, where the names don't say."
        ),
    ] = None,
) -> None:
    """Check a task's files, and show what is in them.

    The same checks as when a recipe reads the folder: shapes and ids, an inverse for every relation, no
    held-out answer in the training set. What is wrong is named by file, item (counted from 0) and field.
    A packed task was checked when it was packed: here every byte of it is compared with what was written.
    """
    from jepa_plugins.facts.folder import read_folder
    from jepa_plugins.facts.store_manifest import is_packed

    if not is_packed(folder):
        _print_tables(read_folder(folder, relations))
        return
    if relations is not None:
        raise DataError("--relations: has no effect on a packed task, which knows its inverses: leave out")

    from jepa_plugins.facts.store import verify_packed

    _print_packed(folder, verify_packed(folder))


def _packing(folder: Path, pack: Callable[[Callable[[int], object]], Packed]) -> None:
    """Packs with a progress bar, and prints the result. pack: called with the bar's update."""
    from jepa_core.progress import progress

    with progress(desc="packing", unit="fact", unit_scale=True, leave=False) as bar:
        packed = pack(bar.update)
    left_out = f" ({packed.repeats:,} that were there twice left out)" if packed.repeats else ""
    typer.echo(plain(f"{folder}: packed and checked{left_out}"))
    _print_packed(folder, packed.manifest)


def _print_packed(folder: Path, manifest: Manifest) -> None:
    from rich.table import Table

    from jepa_core.display.terminal import console

    table = Table("set", "facts", "longest", "MB", title=f"{folder}")
    for name, entry in {"train": manifest.train, **{f"valid, {s}": e for s, e in manifest.evaluation.items()}}.items():
        size = sum(array.bytes for array in entry.arrays.values()) / 1e6
        table.add_row(name, f"{entry.facts:,}", str(entry.longest), f"{size:,.1f}")
    console().print(table)


def _splits(task: FactTask) -> str:
    return " + ".join(f"{len(facts)} {split}" for split, facts in task.evaluation.items())


def _print_tables(task: FactTask) -> None:
    from rich.table import Table
    from rich.text import Text

    from jepa_core.display.terminal import console
    from jepa_plugins.facts.summary import summarize_relations, summarize_sets

    sets = Table("set", "facts", "entities", "tokens a fact", "tokens an entity", title="Sets")
    for row in summarize_sets(task):
        lengths = (f"{low} to {high}" if low < high else str(low) for low, high in (row.lengths, row.entity_lengths))
        sets.add_row(row.name, str(row.facts), str(row.entities), *lengths)
    pairs = Table("relation", "id", "parity", "inverse", "training facts", title="Relations")
    for relation in summarize_relations(task):
        names = Text(relation.name), str(relation.token_id), relation.parity, Text(relation.inverse)
        pairs.add_row(*names, str(relation.facts))
    console().print(sets, pairs)
    size, tokens = task.vocabulary.size, len(task.vocabulary.token_to_id)
    console().print(f"{tokens} tokens in the vocabulary, {size} rows in an embedding table.")
