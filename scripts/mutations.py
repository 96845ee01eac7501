"""Are the safeguards tested: takes each away in turn, in a copy, and looks for a test that turns red.

    python scripts/mutations.py            all
    python scripts/mutations.py lock       those whose name holds a word

Prints a line each; ends with 1 when a safeguard could be taken away and every test stayed green.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
COPIED = ("jepa_core", "plugins", "recipes", "tests", "pyproject.toml")
#: Seconds; tests that hang are red too.
PATIENCE = 300


@dataclass(frozen=True)
class Mutation:
    """In `file` the text `old`, which is there once, becomes `new`; then one of `tests` has to fail."""

    name: str
    file: str
    old: str
    new: str
    tests: str


CHECKPOINT, CORE, WHOLE_RUNS = "tests/core/checkpoint", "tests/core", "tests/end_to_end"
MUTATIONS = [
    Mutation(
        "rename before the manifest",
        "jepa_core/checkpoint/writing.py",
        "        seal(draft, step)\n        remove(target)  # a bad one of the same step\n"
        "        draft.rename(target)\n",
        "        remove(target)\n        draft.rename(target)\n        seal(target, step)\n",
        f"{CHECKPOINT}/test_writing.py",
    ),
    Mutation(
        "no fsync",
        "jepa_core/checkpoint/manifest.py",
        "        os.fsync(descriptor)\n",
        "        pass\n",
        f"{CHECKPOINT}/test_writing.py",
    ),
    Mutation(
        "manifest without sha256",
        "jepa_core/checkpoint/manifest.py",
        "same = sha256(path) == digest",
        "same = True",
        f"{CHECKPOINT}/test_manifest.py",
    ),
    Mutation(
        "manifest without sizes and hashes of missing files",
        "jepa_core/checkpoint/manifest.py",
        "for name in sorted(expected.keys() | present):",
        "for name in sorted(expected.keys() & present):",
        f"{CHECKPOINT}/test_manifest.py",
    ),
    Mutation(
        "links are followed",
        "jepa_core/checkpoint/manifest.py",
        "found = path.lstat()",
        "found = path.stat()",
        f"{CHECKPOINT}/test_manifest.py -k link",
    ),
    Mutation(
        "silent fresh start",
        "jepa_core/checkpoint/choosing.py",
        "    if problems:\n        raise",
        "    if False:\n        raise",
        f"{CHECKPOINT}/test_choosing.py",
    ),
    Mutation(
        "no warning of what is passed over",
        "jepa_core/checkpoint/choosing.py",
        "            warn(f",
        "            str(f",
        f"{CHECKPOINT}/test_choosing.py",
    ),
    Mutation(
        "checkpoints of other recipes",
        "jepa_core/checkpoint/choosing.py",
        "if recipe is not None and (changed",
        "if False and (changed",
        f"{CHECKPOINT}/test_choosing.py",
    ),
    Mutation(
        "optimizer's shapes",
        "jepa_core/checkpoint/state.py",
        "        refuse_other_shapes(optimizer, state)\n",
        "",
        f"{CHECKPOINT}/test_state.py -k not_a_number",
    ),
    Mutation(
        "random numbers not restored",
        "jepa_core/checkpoint/trainer.py",
        "            read_random(Path(checkpoint), self.args.process_index)\n",
        "            pass\n",
        f"{WHOLE_RUNS}/test_resume.py -k same_bits",
    ),
    Mutation(
        "optimizer not restored",
        "jepa_core/checkpoint/trainer.py",
        "            read_optimizer(Path(checkpoint), self.optimizer)\n",
        "",
        f"{WHOLE_RUNS}/test_resume.py -k same_bits",
    ),
    Mutation(
        "later checkpoints stay",
        "jepa_core/checkpoint/trainer.py",
        ", *found[current + 1 :]]",
        "]",
        f"{WHOLE_RUNS}/test_resume.py -k past",
    ),
    Mutation(
        "the number of processes",
        "jepa_core/launch/resume.py",
        "if before != processes and not force:",
        "if False:",
        f"{WHOLE_RUNS}/test_resume.py -k processes",
    ),
    Mutation(
        "the lock",
        "jepa_core/folder/lock.py",
        "            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "            pass\n",
        f"{CORE}/test_lock.py",
    ),
    Mutation(
        "a lock that children inherit",
        "jepa_core/folder/lock.py",
        "fcntl.lockf(file",
        "fcntl.flock(file",
        f"{CORE}/test_lock.py -k worker",
    ),
    Mutation(
        "a lock file that was removed counts",
        "jepa_core/folder/lock.py",
        "if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):",
        "if True:",
        f"{CORE}/test_lock.py -k many",
    ),
    Mutation(
        "signals: no checkpoint",
        "jepa_core/training/stop.py",
        "control.should_training_stop = control.should_save = True",
        "control.should_training_stop = True",
        f"{WHOLE_RUNS}/test_stopped.py -k step",
    ),
    Mutation(
        "signals: the second",
        "jepa_core/training/stop.py",
        "            signal.signal(each, signal.SIG_DFL)",
        "            pass",
        f"{WHOLE_RUNS}/test_stopped.py -k second",
    ),
    Mutation(
        "signals: ranks agree",
        "jepa_core/training/stop.py",
        "            distributed.all_reduce(flag, op=distributed.ReduceOp.MAX)\n",
        "",
        f"{WHOLE_RUNS}/test_several_processes.py -k signal",
    ),
    Mutation(
        "stateless dropout",
        "jepa_core/objective/planner.py",
        '            draws = uniform(self.seed, step, batch["index"] * (not by_step), stream)\n',
        '            draws = torch.rand(len(batch["index"]), dtype=torch.float64)\n',
        f"{CORE}/objective/test_planner.py {CORE}/training/test_trainer.py",
    ),
    Mutation(
        "counts over processes",
        "jepa_core/training/trainer.py",
        "        distributed.all_reduce(total)\n",
        "",
        f"{WHOLE_RUNS}/test_several_processes.py -k eligible",
    ),
    Mutation(
        "NaN stop",
        "jepa_core/training/trainer.py",
        "            self.finite.check()\n",
        "            pass\n",
        f"{WHOLE_RUNS}/test_resume.py -k not_a_number",
    ),
    Mutation(
        "every sample once",
        "jepa_core/training/sampler.py",
        "            yield piece[first : first + self.batch_size]",
        "            yield piece[first : first + self.batch_size] or piece[: self.batch_size]",
        f"{CORE}/training/test_sampler.py",
    ),
    Mutation(
        "an empty share",
        "jepa_core/objective/objective.py",
        "        if not plan.tokens:",
        "        if False:",
        f"{WHOLE_RUNS}/test_several_processes.py -k divide",
    ),
    Mutation(
        "rehearsal",
        "jepa_core/launch/run.py",
        "        rehearse(built)\n        verified",
        "        verified",
        f"{CORE}/test_rehearsal.py",
    ),
    Mutation(
        "tags in recipes",
        "jepa_core/recipe/strict_yaml.py",
        "        if event.tag is not None:",
        "        if False:",
        f"{CORE}/recipe/test_hostile.py -k tag",
    ),
    Mutation(
        "aliases in recipes",
        "jepa_core/recipe/strict_yaml.py",
        "            if aliases == self.aliases:\n",
        "            if True:\n",
        f"{CORE}/recipe/test_hostile.py {CORE}/recipe/test_strict_yaml.py",
    ),
    Mutation(
        "depth of recipes",
        "jepa_core/recipe/strict_yaml.py",
        "MAX_DEPTH = 20",
        "MAX_DEPTH = 20_000",
        f"{CORE}/recipe/test_hostile.py -k three",
    ),
    Mutation(
        "disk full: the draft goes",
        "jepa_core/checkpoint/writing.py",
        "        shutil.rmtree(draft, ignore_errors=True)\n",
        "",
        f"{CHECKPOINT}/test_writing.py",
    ),
    Mutation(
        "one process fails for all",
        "jepa_core/distributed.py",
        "    if any_process(problem is not None, device):\n",
        "    if problem:\n",
        f"{WHOLE_RUNS}/test_several_processes.py -k may_not_start",
    ),
]


def red(mutation: Mutation, copy: Path) -> bool:
    """Does a test fail, or hang, without the safeguard. Raises ValueError when its text is not there once."""
    path = copy / mutation.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutation.old) != 1:
        raise ValueError(f"{mutation.name}: {mutation.file} holds {text.count(mutation.old)} times {mutation.old!r}")
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-m", "not slow", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    try:
        done = subprocess.run(
            [*command, *shlex.split(mutation.tests)], cwd=copy, env=environment, capture_output=True, timeout=PATIENCE
        )
        return done.returncode == 1  # 1: a test failed; others: pytest itself did
    except subprocess.TimeoutExpired:
        return True
    finally:
        path.write_text(text, encoding="utf-8")


def main() -> int:
    words = sys.argv[1:]
    chosen = [m for m in MUTATIONS if not words or any(word in m.name for word in words)]
    survived = []
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            shutil.copytree(source, copy / name) if source.is_dir() else shutil.copy(source, copy / name)
        for mutation in chosen:
            began = time.monotonic()
            caught = red(mutation, copy)
            print(f"{'red  ' if caught else 'GREEN'} {time.monotonic() - began:5.0f} s  {mutation.name}", flush=True)
            survived += [] if caught else [mutation.name]
    print(f"{len(chosen) - len(survived)} of {len(chosen)} safeguards are tested")
    return int(bool(survived))


if __name__ == "__main__":
    raise SystemExit(main())
