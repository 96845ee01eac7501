"""The Trainer beside a bare loop: every part is found in both, and what is left over is the Trainer's own."""

from __future__ import annotations

from collections import defaultdict

from benchmarks.trainer import PARTS, WHOLE, of_loop, of_trainer, rows


def test_each_step_has_its_parts(tmp_path):
    trainer, loop = defaultdict(list), defaultdict(list)
    of_trainer(str(tmp_path), trainer, steps=3)
    of_loop(str(tmp_path), loop, steps=3)
    times = {part: len(of) for part, of in trainer.items()}
    once_more = {"modes of all modules": 1}  # when the embeddings have been looked at
    assert times == {part: 3 * len(calls) + once_more.get(part, 0) for part, calls in PARTS.items()} | {WHOLE: 3}
    assert {*loop} < {*PARTS, WHOLE}
    assert all(len(of) == 3 for of in loop.values())
    assert sum(loop[WHOLE]) == sum(sum(of) for part, of in loop.items() if part != WHOLE)


def test_what_is_in_no_part_by_hand():
    trainer = {part: [0.001] for part in PARTS} | {WHOLE: [0.020]}
    found = {row["part"]: row for row in rows(trainer, {**trainer, "callbacks": []})}
    assert found["callbacks"] == {"part": "callbacks", "Trainer": "4.00", "bare loop": "", "more": "4.00"}
    assert found["forward"]["more"] == "0.00"
    assert found[WHOLE] == {"part": WHOLE, "Trainer": "20.00", "bare loop": "20.00", "more": "0.00"}
    assert found["all else"]["more"] == f"{20 - (len(PARTS) - 1) - 4:.2f}"
