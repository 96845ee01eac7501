"""The Trainer beside a bare loop: every part is found in both, and what is left over is the Trainer's own."""

from __future__ import annotations

from collections import defaultdict

from benchmarks.trainer import PARTS, WHOLE, of_loop, of_trainer, rows


def test_each_step_has_its_parts(tmp_path):
    trainer, loop = defaultdict(list), defaultdict(list)
    of_trainer(str(tmp_path), trainer, steps=3)
    of_loop(str(tmp_path), loop, steps=3)
    times = {part: len(of) for part, of in trainer.items()}
    assert times == {part: 3 * len(calls) for part, calls in PARTS.items()} | {WHOLE: 3}
    assert {*loop} < {*PARTS, WHOLE}
    assert all(len(of) == 3 for of in loop.values())
    assert sum(loop[WHOLE]) == sum(sum(of) for part, of in loop.items() if part != WHOLE)


def test_what_is_in_no_part_by_hand():
    trainer = {part: [0.001] for part in PARTS} | {WHOLE: [0.020]}
    loader = {part: [0.001] for part in PARTS} | {WHOLE: [0.019]}
    found = {row.pop("part"): [*row.values()] for row in rows(trainer, {**trainer, "callbacks": []}, loader)}
    assert found["callbacks"] == ["4.00", "", "4.00", "4.00"]
    assert found["forward"] == ["1.00", "1.00", "0.00", "1.00"]
    assert found[WHOLE] == ["20.00", "20.00", "0.00", "19.00"]
    left = 20 - (len(PARTS) - 1) - 4
    assert found["all else"] == [f"{left:.2f}", "", f"{left:.2f}", f"{left - 1:.2f}"]
