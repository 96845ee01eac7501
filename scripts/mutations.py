"""Tests the tests of safeguards: takes each safeguard away in turn, in a copy, and looks for a test that turns red.

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
    """A change of `file`: the text `old`, which is there once, becomes `new`; then one of `tests` has to fail."""

    name: str
    file: str
    old: str
    new: str
    tests: str


CHECKPOINT, CORE, WHOLE_RUNS = "tests/core/checkpoint", "tests/core", "tests/end_to_end"
MUTATIONS = [
    Mutation(
        "rename before the manifest",
        "jepa_core/folder/whole_folder.py",
        "        finish(draft)\n        _put_in_place(draft, target)\n",
        "        _put_in_place(draft, target)\n        finish(target)\n",
        f"{CHECKPOINT}/test_writing.py",
    ),
    Mutation(
        "no fsync",
        "jepa_core/folder/whole_folder.py",
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
        "        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "        pass\n",
        f"{CORE}/folder/test_lock.py",
    ),
    Mutation(
        "a lock that children inherit",
        "jepa_core/folder/lock.py",
        "fcntl.lockf(descriptor",
        "fcntl.flock(descriptor",
        f"{CORE}/folder/test_lock.py -k worker",
    ),
    Mutation(
        "a lock file that was removed counts",
        "jepa_core/folder/lock.py",
        "if os.path.lexists(path) and os.path.samestat(os.fstat(descriptor), path.lstat()):",
        "if True:",
        f"{CORE}/folder/test_lock.py -k meanwhile",
    ),
    Mutation(
        "loader: plans are of the step that the batch is for",
        "jepa_core/training/planned_set.py",
        "first = self.epoch * -(-len(self) // self.accumulation)",
        "first = self.epoch * (len(self) // self.accumulation)",
        f"{CORE}/training/test_planned_set.py",
    ),
    Mutation(
        "loader: plans are of training",
        "jepa_core/training/planned_set.py",
        "step, training=True)",
        "step)",
        f"{CORE}/training/test_planned_set.py",
    ),
    Mutation(
        "loader: its processes end when Python does",
        "jepa_core/training/loader_process.py",
        "os.kill(self.pid, END)",
        "super().terminate()",
        f"{CORE}/training/test_loader_process.py",
    ),
    Mutation(
        "loader: its processes live through a signal to all",
        "jepa_core/training/loader_process.py",
        "signal.signal(number, signal.SIG_IGN)",
        "pass",
        f"{CORE}/training/test_loader_process.py",
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
        "signal.SIG_IGN if each == HANGUP else signal.SIG_DFL",
        "signal.SIG_IGN",
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
        "signals: a terminal that closes",
        "jepa_core/training/stop.py",
        "signal.SIG_IGN if each == HANGUP else signal.SIG_DFL",
        "signal.SIG_DFL",
        f"{WHOLE_RUNS}/test_stopped.py -k twice",
    ),
    Mutation(
        "signals: nohup",
        "jepa_core/signals.py",
        " or signal.getsignal(number) != signal.SIG_IGN]",
        " or True]",
        f"{CORE}/test_signals.py -k nohup",
    ),
    Mutation(
        "signals: the parent's end",
        "jepa_core/signals.py",
        "        os.kill(os.getpid(), signal.SIGTERM)\n",
        "        pass\n",
        f"{CORE}/test_signals.py -k starter",
    ),
    Mutation(
        "signals: other commands clean up",
        "jepa_core/cli/group.py",
        "            with ending_on_signals():\n",
        "            if True:\n",
        f"{CORE}/cli/test_group.py -k cleans_up",
    ),
    Mutation(
        "folder: first write",
        "jepa_core/folder/run_folder.py",
        "<= {*empty, *unfinished, self.path / LOCK}",
        "<= {*empty, self.path / LOCK}",
        f"{CORE}/folder/test_run_folder.py -k first_write",
    ),
    Mutation(
        "folder: a link that leads nowhere",
        "jepa_core/folder/run_folder.py",
        "                if link.is_symlink() and not link.exists():",
        "                if False:",
        f"{CORE}/folder/test_run_folder.py -k nowhere",
    ),
    Mutation(
        "folder: links out",
        "jepa_core/folder/run_folder.py",
        "if not path.resolve().is_relative_to(root):",
        "if False:",
        f"{CORE}/folder/test_run_folder.py -k leading -k link",
    ),
    Mutation(
        "folder: cleared, it is not finished",
        "jepa_core/folder/run_folder.py",
        "written = (self.metrics, self.report,",
        "written = (self.report, self.metrics,",
        f"{CORE}/folder/test_run_folder.py -k first_removal",
    ),
    Mutation(
        "folder: no trace",
        "jepa_core/folder/run_folder.py",
        "                    path.rmdir()\n",
        "                    pass\n",
        f"{CORE}/folder/test_run_folder.py -k trace",
    ),
    Mutation(
        "files: drafts through links",
        "jepa_core/folder/files.py",
        "    draft.unlink(missing_ok=True)\n    try:\n        yield draft",
        "    try:\n        yield draft",
        f"{CORE}/folder/test_files.py -k link",
    ),
    Mutation(
        "files: pipes",
        "jepa_core/folder/files.py",
        "        if not stat.S_ISREG(found.st_mode):\n            raise JepaError",
        "        if False:\n            raise JepaError",
        f"{CORE}/folder/test_files.py -k device",
    ),
    Mutation(
        "files: half a line",
        "jepa_core/folder/files.py",
        "        os.ftruncate(descriptor, before.st_size)\n",
        "        pass\n",
        f"{CORE}/folder/test_files.py -k fit",
    ),
    Mutation(
        "files: modes",
        "jepa_core/folder/whole_folder.py",
        "        path.chmod(open_to)\n",
        "        pass\n",
        f"{CORE}/folder/test_whole_folder.py -k umask",
    ),
    Mutation(
        "files: the user's own",
        "jepa_core/folder/ours.py",
        "if os.path.lexists(path) and not is_ours(path):",
        "if False:",
        f"{CORE}/folder/test_ours.py",
    ),
    Mutation(
        "log: replaced whole",
        "jepa_core/training/callbacks.py",
        '            write_text(self.path, b"".join(line + b"\\n" for line in kept).decode("utf-8"))\n',
        '            self.path.write_bytes(b"".join(line + b"\\n" for line in kept))\n',
        f"{WHOLE_RUNS}/test_resume.py -k rewritten",
    ),
    Mutation(
        "log: lines that nobody can read",
        "jepa_core/training/callbacks.py",
        "return step if type(step) is int else None",
        "return step",
        f"{CORE}/training/test_trainer.py -k nobody",
    ),
    Mutation(
        "streams: a full disk",
        "jepa_core/streams.py",
        "            return memoryview(data).nbytes\n",
        "            raise\n",
        f"{CORE}/test_streams.py",
    ),
    Mutation(
        "streams: narrow encodings",
        "jepa_core/streams.py",
        '"backslashreplace"',
        '"strict"',
        f"{CORE}/test_streams.py",
    ),
    Mutation(
        "streams: control characters",
        "jepa_core/display/terminal.py",
        "yield segment if segment.control else Segment(plain(segment.text), segment.style)",
        "yield segment",
        f"{CORE}/report/test_console.py -k orders",
    ),
    Mutation(
        "git: filters and monitors",
        "jepa_core/assembly/git_revision.py",
        'return [f"{name}=" for name in sorted(named) if not _LAYOUT.fullmatch(name)]',
        "return []",
        f"{CORE}/assembly/test_git_revision.py -k names",
    ),
    Mutation(
        "git: names that are misread",
        "jepa_core/assembly/git_revision.py",
        'any("=" in name for name in named)',
        "False",
        f"{CORE}/assembly/test_git_revision.py -k misread",
    ),
    Mutation(
        "offline",
        "jepa_core/model/hub.py",
        "    constants.HF_HUB_OFFLINE = True\n",
        "",
        f"{CORE}/model/test_offline.py",
    ),
    Mutation(
        "plugins: another marker",
        "jepa_core/registry/loader.py",
        "        _refuse_unmarked(manager, module)\n",
        "",
        f"{CORE}/registry/test_loader.py -k marker",
    ),
    Mutation(
        "plugins: what they print",
        "jepa_core/registry/loader.py",
        "    return redirect_stdout(sys.stderr)\n",
        "    return redirect_stdout(sys.stdout)\n",
        f"{CORE}/registry/test_loader.py -k prints",
    ),
    Mutation(
        "plugins: changed code",
        "jepa_core/assembly/changes.py",
        'if before.get(name, is_now) != is_now]\n    return [f"the code',
        'if False]\n    return [f"the code',
        f"{WHOLE_RUNS}/test_resume.py -k plugin",
    ),
    Mutation(
        "study: damaged cells",
        "jepa_core/study/results.py",
        '    except JepaError as error:\n        return CellResult(cell, "damaged"',
        '    except KeyError as error:\n        return CellResult(cell, "damaged"',
        f"{CORE}/study/test_results.py -k Damage",
    ),
    Mutation(
        "verify: its launcher",
        "jepa_core/verify/torchrun.py",
        "        launcher.terminate()\n",
        "        launcher.kill()\n",
        f"{CORE}/verify/test_torchrun.py -k asked",
    ),
    Mutation(
        "a task's draft",
        "plugins/facts/draft.py",
        '            if found[1] == "old" and not folder.exists():\n',
        "            if False:\n",
        "tests/plugins/facts/test_draft.py -k comes_back",
    ),
    Mutation(
        "a folder of the user's beside an export",
        "jepa_core/folder/whole_folder.py",
        """target.with_name("." * hidden + target.name + UNFINISHED)""",
        "target.with_name(target.name + UNFINISHED)",
        f"{CORE}/folder/test_whole_folder.py -k beside",
    ),
    Mutation(
        "a folder of the user's: export asks for it",
        "jepa_core/assembly/export.py",
        ", hidden=True)",
        ")",
        f"{CORE}/assembly/test_export.py -k whole",
    ),
    Mutation(
        "a lock file of the user's",
        "jepa_core/folder/lock.py",
        "if found.st_size and not _said_who(descriptor):",
        "if False:",
        f"{CORE}/folder/test_lock.py -k left",
    ),
    Mutation(
        "a lock file of the user's that filelock would empty",
        "jepa_core/folder/lock.py",
        "if path.is_symlink() or (path.exists()",
        "if False and (path.exists()",
        f"{CORE}/folder/test_lock.py -k empties",
    ),
    Mutation(
        "a draft of the user's",
        "jepa_core/folder/ours.py",
        "        refuse_foreign(draft)\n",
        "        pass\n",
        f"{CORE}/folder/test_ours.py -k draft",
    ),
    Mutation(
        "facts: long lines",
        "jepa_core/folder/lines.py",
        "if len(text) > longest:",
        "if False:",
        f"{CORE}/folder/test_lines.py",
    ),
    Mutation(
        "facts: byte order marks",
        "jepa_core/folder/lines.py",
        'line.removeprefix(MARK).rstrip(b"\\r\\n") if number == 1',
        'line.rstrip(b"\\r\\n") if number == 1',
        "tests/plugins/facts/test_fact_lines.py -k other_systems",
    ),
    Mutation(
        "facts: long names",
        "plugins/facts/fact_lines.py",
        "if len(item[field]) > LONGEST_NAME:",
        "if False:",
        "tests/plugins/facts/test_fact_lines.py -k long_name",
    ),
    Mutation(
        "facts: halves of letters",
        "plugins/facts/fact_lines.py",
        "        if not item[field].isascii():",
        "        if False:",
        "tests/plugins/facts/test_fact_lines.py -k mistakes",
    ),
    Mutation(
        "facts: more places than memory",
        "plugins/facts/bounds.py",
        "if facts * longest > MOST_PLACES:",
        "if False:",
        "tests/plugins/facts/test_triples.py -k memory",
    ),
    Mutation(
        "facts: names spelt alike",
        "plugins/facts/tokenizer.py",
        "if (twice := spelling.first_twice()) is not None:",
        "if (twice := None) is not None:",
        "tests/plugins/facts/test_tokenizer.py -k same_tokens",
    ),
    Mutation(
        "facts: leaks",
        "plugins/facts/leaks.py",
        "    if any(map(len, shared)):",
        "    if False:",
        "tests/plugins/facts/test_leaks.py -k planted",
    ),
    Mutation(
        "packs: ids out of range",
        "plugins/facts/store_set.py",
        "wrong = ((ids < 0) | (ids >= self.size)).any(dim=1)",
        "wrong = (ids < ids).any(dim=1)",
        "tests/plugins/facts/test_store_set.py -k range",
    ),
    Mutation(
        "packs: where facts begin",
        "plugins/facts/store_set.py",
        "wrong = (starts < 0) | (ends > tokens) | (lengths > self._entry.longest)",
        "wrong = lengths > self._entry.longest",
        "tests/plugins/facts/test_store_set.py -k outside",
    ),
    Mutation(
        "packs: types",
        "plugins/facts/store_set.py",
        "self._refuse(found >= len(SampleType), rows",
        "self._refuse(found < 0, rows",
        "tests/plugins/facts/test_store_set.py -k type_that",
    ),
    Mutation(
        "packs: cut off while they are read",
        "jepa_core/folder/array_map.py",
        "if self._map is not None and (found := self._map.size()) < self._bytes:",
        "if self._map is not None and (found := self._bytes) < self._bytes:",
        "tests/core/folder/test_array_map.py -k cut_off",
    ),
    Mutation(
        "packs: small ones are compared",
        "plugins/facts/store.py",
        "    if sum(file.bytes for file in manifest.files.values()) <= COMPARED and",
        "    if False and",
        "tests/plugins/facts/test_store.py -k flipped",
    ),
    Mutation(
        "packs: every fact",
        "plugins/facts/store.py",
        "        _check_sets(folder, manifest)\n",
        "        pass\n",
        "tests/plugins/facts/test_store_content.py",
    ),
    Mutation(
        "packs: offsets and counts that can't be",
        "plugins/facts/store_manifest.py",
        "        self._refuse_impossible()\n",
        "",
        "tests/plugins/facts/test_store_manifest.py -k fit",
    ),
    Mutation(
        "packs: a huge manifest",
        "plugins/facts/store_manifest.py",
        "read_text(path, LARGEST)",
        "read_text(path)",
        "tests/plugins/facts/test_store_manifest.py -k huge",
    ),
    Mutation(
        "packs: what a process that makes batches says",
        "jepa_core/errors.py",
        "        error.args = (found[1].strip(),)\n",
        "        pass\n",
        f"{CORE}/test_errors.py -k makes_batches",
    ),
    Mutation(
        "streams: logs",
        "jepa_core/streams.py",
        "        return plain(super().getMessage())\n",
        "        return super().getMessage()\n",
        f"{CORE}/test_streams.py -k log",
    ),
    Mutation(
        "streams: tracebacks",
        "jepa_core/cli/main.py",
        "sys.stderr.write(plain(traceback.format_exc()))",
        "sys.stderr.write(traceback.format_exc())",
        f"{CORE}/cli/test_group.py -k fault",
    ),
    Mutation(
        "streams: pages",
        "jepa_core/display/html.py",
        "write_own(path, plain(text).encode",
        "write_own(path, text.encode",
        f"{CORE}/display/test_html.py -k orders",
    ),
    Mutation(
        "signals: a study's workers",
        "jepa_core/study/workers.py",
        "                worker.send_signal(number)\n",
        "                pass\n",
        f"{CORE}/study/test_workers.py -k signal",
    ),
    Mutation(
        "study: metrics that there are not",
        "jepa_core/study/tuning.py",
        "        if split not in figures:",
        "        if False:",
        f"{CORE}/study/test_tuning.py -k does_not_have",
    ),
    Mutation(
        "going on: a finished run stays finished",
        "jepa_core/launch/resume.py",
        "    if not longer and not changed:\n",
        "    if not longer and not changed and resume is None:\n",
        f"{WHOLE_RUNS}/test_going_on.py -k checkpoint_of_a_finished",
    ),
    Mutation(
        "values: a distance that nothing was trained for",
        "jepa_core/evaluation/evaluate.py",
        "if planned.count and not _never_pays(objective.spec.terms[number]):",
        "if planned.count:",
        f"{CORE}/evaluation/test_evaluate.py -k trained_for",
    ),
    Mutation(
        "values: the last steps are logged",
        "jepa_core/training/callbacks.py",
        "        control.should_log |= state.global_step >= state.max_steps\n",
        "        pass\n",
        f"{CORE}/training/test_trainer.py -k last_step",
    ),
    Mutation(
        "values: groups that a strategy leaks on",
        "jepa_core/assembly/assemble.py",
        "            if group not in self.context.groups:",
        "            if False:",
        f"{CORE}/assembly/test_assemble.py -k leaks",
    ),
    Mutation(
        "home",
        "jepa_core/paths.py",
        "    return os.path.expanduser(path)\n",
        "    return path\n",
        f"{CORE}/test_paths.py",
    ),
    Mutation(
        "stateless dropout",
        "jepa_core/objective/planner.py",
        "draws = uniform(self.spec.seed, step,",
        'draws = torch.rand(len(batch["index"]), dtype=torch.float64) if step >= 0 else (step,',
        f"{CORE}/objective/test_planner.py {CORE}/training/test_trainer.py",
    ),
    Mutation(
        "counts over processes",
        "jepa_core/training/trainer.py",
        "    distributed.all_reduce(total)\n",
        "",
        f"{WHOLE_RUNS}/test_several_processes.py -k eligible",
    ),
    Mutation(
        "NaN stop",
        "jepa_core/training/trainer.py",
        "            self.finite.check(self.objective)\n",
        "            pass\n",
        f"{WHOLE_RUNS}/test_resume.py -k not_a_number",
    ),
    Mutation(
        "NaN: the weights after the last update",
        "jepa_core/training/trainer.py",
        "            self.finite.check_weights(self.state.global_step, self.objective)\n",
        "            pass\n",
        f"{WHOLE_RUNS}/test_going_on.py -k spoiled",
    ),
    Mutation(
        "NaN: processes agree on weights",
        "jepa_core/training/finite.py",
        "if any_process(bool(bad), self.found.device):",
        "if bad:",
        f"{CORE}/training/test_finite.py -k processes",
    ),
    Mutation(
        "NaN: whose update it was",
        "jepa_core/training/finite.py",
        "if model is not None and (bad := first_bad(model)):",
        "if False:",
        f"{CORE}/training/test_finite.py -k whose",
    ),
    Mutation(
        "NaN: a checkpoint of such weights",
        "jepa_core/checkpoint/choosing.py",
        "            check_checkpoint(path)\n            refuse_non_finite(path)\n",
        "            check_checkpoint(path)\n",
        f"{CHECKPOINT}/test_finite.py -k goes_on",
    ),
    Mutation(
        "NaN: such a checkpoint by name",
        "jepa_core/checkpoint/choosing.py",
        "    check_checkpoint(path)\n    refuse_non_finite(path)\n    if not force",
        "    check_checkpoint(path)\n    if not force",
        f"{CHECKPOINT}/test_finite.py -k goes_on",
    ),
    Mutation(
        "NaN: ranks",
        "jepa_core/evaluation/ranks.py",
        ".clamp(min=1) - 1  #",
        " - 1  #",
        f"{CORE}/evaluation/test_evaluate.py -k number",
    ),
    Mutation(
        "NaN: metrics",
        "jepa_core/evaluation/splits.py",
        "name: without_non_finite(values)",
        "name: dict(values)",
        f"{CORE}/evaluation/test_evaluate.py -k broken",
    ),
    Mutation(
        "NaN: a model that answers nothing",
        "jepa_core/launch/run.py",
        "            _refuse_no_model(metrics, trainer.state.global_step)\n",
        "",
        f"{WHOLE_RUNS}/test_going_on.py -k finite_answer",
    ),
    Mutation(
        "going on: the rate of the longer schedule",
        "jepa_core/checkpoint/state.py",
        '            group["lr"] = rate\n',
        "            pass\n",
        f"{WHOLE_RUNS}/test_going_on.py -k schedule",
    ),
    Mutation(
        "going on: the recipe's decays",
        "jepa_core/checkpoint/state.py",
        '            saved |= {name: value for name, value in group.items() if name != "params"}\n',
        "            pass\n",
        f"{WHOLE_RUNS}/test_going_on.py -k says_how",
    ),
    Mutation(
        "going on: the recipe's intervals",
        "jepa_core/checkpoint/trainer.py",
        "        self.state.compute_steps(self.args, max_steps)\n",
        "",
        f"{WHOLE_RUNS}/test_going_on.py -k says_how",
    ),
    Mutation(
        "going on: the finished model stays",
        "jepa_core/launch/run.py",
        "    if not folder.finished:\n        _say_what_runs",
        "    if True:\n        _say_what_runs",
        f"{WHOLE_RUNS}/test_going_on.py -k stays_until",
    ),
    Mutation(
        "going on: no result while it is replaced",
        "jepa_core/launch/run.py",
        "        folder.metrics.unlink()\n",
        "        pass\n",
        f"{WHOLE_RUNS}/test_going_on.py -k while_the_new",
    ),
    Mutation(
        "going on: the older recipe",
        "jepa_core/launch/run.py",
        "    _keep_older_recipe(folder, built.trainer.recipe or {}, registry)\n",
        "",
        f"{WHOLE_RUNS}/test_going_on.py -k beside",
    ),
    Mutation(
        "going on: the older recipe's command",
        "jepa_core/launch/resume.py",
        "any(not not_allowed(older, text) for older in _older(folder, registry))",
        "any(())",
        f"{WHOLE_RUNS}/test_going_on.py -k beside",
    ),
    Mutation(
        "going on: a checkpoint that is not there is told before anything is built",
        "jepa_core/launch/run.py",
        "        chosen(resume, text, force_resume)  # before anything is made or written\n",
        "        pass\n",
        f"{WHOLE_RUNS}/test_going_on.py -k no_folder",
    ),
    Mutation(
        "going on: other data",
        "jepa_core/launch/resume.py",
        "        if not force:\n            raise OtherData(",
        "        if False:\n            raise OtherData(",
        f"{WHOLE_RUNS}/test_going_on.py -k only_the_facts",
    ),
    Mutation(
        "going on: moved tokens",
        "jepa_core/assembly/changes.py",
        "for words in (told, moved_tokens(tokens_before, tokens)) if words",
        "for words in (told,) if words",
        f"{CORE}/assembly/test_changes.py -k together",
    ),
    Mutation(
        "going on: eval of other data",
        "jepa_core/assembly/load.py",
        '        say(f"warning: {output_dir}: its data changed',
        '        str(f"warning: {output_dir}: its data changed',
        f"{WHOLE_RUNS}/test_going_on.py -k eval_says",
    ),
    Mutation(
        "going on: threads",
        "jepa_core/assembly/provenance.py",
        '        "threads": str(torch.get_num_threads()),\n',
        "",
        f"{WHOLE_RUNS}/test_going_on.py -k threads",
    ),
    Mutation(
        "going on: the files that the run read",
        "jepa_core/recipe/schema.py",
        "return (*noted, Path(), *([source.parent] if source else []), *shipped)",
        "return (Path(), *([source.parent] if source else []), *noted, *shipped)",
        f"{WHOLE_RUNS}/test_going_on.py -k wherever",
    ),
    Mutation(
        "values: the last batch",
        "jepa_core/training/sampler.py",
        "(rest > 0 and not self.drop_last)",
        "(rest > 0)",
        f"{CORE}/training/test_arguments.py -k dataloader_drop_last",
    ),
    Mutation(
        "values: no batch at all",
        "jepa_core/assembly/trainer.py",
        "if training.dataloader_drop_last and samples < together:",
        "if False:",
        f"{CORE}/training/test_arguments.py -k full_batch",
    ),
    Mutation(
        "processes: who meets nobody",
        "jepa_core/training/arguments.py",
        "        with meeting(recipe.training.ddp_timeout):\n",
        "        if True:\n",
        f"{WHOLE_RUNS}/test_several_processes.py -k meets",
    ),
    Mutation(
        "processes: whatever goes wrong in the first",
        "jepa_core/distributed.py",
        "    except (Exception, Terminated) as error:",
        "    except JepaError as error:",
        f"{WHOLE_RUNS}/test_several_processes.py -k whatever",
    ),
    Mutation(
        "values: the timeout without a GPU",
        "jepa_core/training/arguments.py",
        "        PartialState(cpu=True, timeout=timedelta(seconds=recipe.training.ddp_timeout))\n",
        "        pass\n",
        f"{CORE}/training/test_arguments.py -k ddp_timeout",
    ),
    Mutation(
        "values: a rate of one",
        "jepa_core/assembly/counting.py",
        "if rate is not None and rate >= 1:",
        "if False:",
        f"{CORE}/assembly/test_counting.py",
    ),
    Mutation(
        "values: a weight that comes too late",
        "jepa_core/assembly/counting.py",
        "if steps is not None and not any(",
        "if False and not any(",
        f"{CORE}/assembly/test_counting.py -k late",
    ),
    Mutation(
        "values: a warm-up without an end",
        "jepa_core/recipe/cautions.py",
        "not 0 < steps <= warmup",
        "not 0 < steps < warmup",
        f"{CORE}/recipe/test_cautions.py",
    ),
    Mutation(
        "values: predictor tokens",
        "jepa_core/recipe/objective_section.py",
        "k: int = Field(1, ge=0, le=4096,",
        "k: int = Field(1, ge=0,",
        f"{WHOLE_RUNS}/test_absurd_values.py -k objective.k-",
    ),
    Mutation(
        "values: numbers beyond 64 bits",
        "jepa_core/registry/options.py",
        "if isinstance(value, int) and not -LARGEST <= value <= LARGEST:",
        "if False:",
        f"{WHOLE_RUNS}/test_absurd_values.py -k last_token",
    ),
    Mutation(
        "values: the first line of an error",
        "jepa_core/errors.py",
        'return f"{type(error).__name__}: {lines[0]}"',
        'return f"{type(error).__name__}: {error}"',
        f"{CORE}/test_errors.py",
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
        "        if len(plan.blocks[0].sample):",
        "        if True:",
        f"{WHOLE_RUNS}/test_several_processes.py -k divide",
    ),
    Mutation(
        "rehearsal",
        "jepa_core/launch/run.py",
        "    watched_step(built)\n    try_evaluation",
        "    try_evaluation",
        f"{CORE}/assembly/test_watched_step.py -k named",
    ),
    Mutation(
        "tags in recipes",
        "jepa_core/recipe/strict_yaml.py",
        "        if event.tag is not None:",
        "        if False:",
        f"{CORE}/recipe/test_strict_yaml.py",
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
        "jepa_core/folder/whole_folder.py",
        "        shutil.rmtree(draft, ignore_errors=True)  # after the free space was looked at\n",
        "",
        f"{CORE}/folder/test_whole_folder.py",
    ),
    Mutation(
        "one process fails for all",
        "jepa_core/distributed.py",
        'any_process(problem is not None, device):\n        raise problem or JepaError(f"stopped, because',
        'problem:\n        raise problem or JepaError(f"stopped, because',
        f"{WHOLE_RUNS}/test_several_processes.py -k may_not_start",
    ),
    Mutation(
        "model folder: parts that are missing",
        "jepa_core/recipe/weight_files.py",
        "if missing := [name for name in files if not os.path.lexists(index.parent / name)]:",
        "if missing := []:",
        f"{CORE}/recipe/test_weight_files.py",
    ),
    Mutation(
        "model folder: weights that are cut off",
        "jepa_core/recipe/weight_files.py",
        "    if size < end:\n",
        "    if False:\n",
        f"{CORE}/recipe/test_weight_files.py",
    ),
    Mutation(
        "model folder: an index that leads out of it",
        "jepa_core/recipe/weight_files.py",
        "if Path(name).name != name or ",
        "if ",
        f"{CORE}/recipe/test_weight_files.py",
    ),
    Mutation(
        "model folder: adapters",
        "jepa_core/recipe/model_folder.py",
        "            _refuse_adapter(folder)\n",
        "            pass\n",
        f"{CORE}/recipe/test_model_folder.py",
    ),
    Mutation(
        "model folder: quantized weights",
        "jepa_core/recipe/model_folder.py",
        "            _refuse_quantized(folder, config)\n",
        "            pass\n",
        f"{CORE}/recipe/test_model_folder.py",
    ),
    Mutation(
        "study cells that hold another run",
        "jepa_core/study/cells.py",
        "return bool(self.taken) or self.folder.finished",
        "return self.folder.finished",
        f"{CORE}/study/test_worker.py {CORE}/study/test_design.py",
    ),
    Mutation(
        "a component before it is called",
        "jepa_core/assembly/assemble.py",
        'if kind != "dataset" and (words := unfit(kind, made)):',
        'if kind == "nothing" and (words := unfit(kind, made)):',
        f"{CORE}/assembly/test_watched_step.py -k 'declaration or factory'",
    ),
    Mutation(
        "views clause by clause",
        "jepa_core/contracts/clauses.py",
        "    check_views(args[0], result)\n",
        "    pass\n",
        f"{CORE}/assembly/test_watched_step.py -k reversal",
    ),
    Mutation(
        "views of several samples and with padding",
        "jepa_core/contracts/clauses.py",
        "        check_views(more[0], component(*more))\n",
        "        pass\n",
        f"{CORE}/assembly/test_watched_step.py -k reversal",
    ),
    Mutation(
        "masks that differ by layer",
        "jepa_core/contracts/clauses.py",
        "        _same_in_every_layer(component, args, result, size.layers)\n",
        "        pass\n",
        f"{CORE}/assembly/test_watched_step.py -k mask",
    ),
    Mutation(
        "a task's names, sets and first samples",
        "jepa_core/contracts/task.py",
        "        _check_named(name, each, data)\n",
        "        pass\n",
        f"{CORE}/contracts/test_task.py",
    ),
    Mutation(
        "evaluations before training",
        "jepa_core/launch/run.py",
        "    try_evaluation(built)\n",
        "",
        f"{CORE}/assembly/test_first_evaluation.py -k before_training",
    ),
    Mutation(
        "batches of one's own loop",
        "jepa_core/objective/given.py",
        "    check_batch(on_host,",
        "    (lambda *args: None)(on_host,",
        f"{CORE}/objective/test_given.py",
    ),
    Mutation(
        "two objectives of one model",
        "jepa_core/objective/sharing.py",
        "    for key in _differ(objective):\n",
        "    for key in ():\n",
        f"{CORE}/objective/test_sharing.py",
    ),
]


def red(mutation: Mutation, copy: Path) -> bool:
    """Tells whether a test fails, or hangs, without the safeguard. Raises ValueError if its text is not there once."""
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
        (copy / "jepa_plugins").symlink_to("plugins")  # else they would be imported from where they are installed
        for mutation in chosen:
            began = time.monotonic()
            caught = red(mutation, copy)
            print(f"{'red  ' if caught else 'GREEN'} {time.monotonic() - began:5.0f} s  {mutation.name}", flush=True)
            survived += [] if caught else [mutation.name]
    print(f"{len(chosen) - len(survived)} of {len(chosen)} safeguards are tested")
    return int(bool(survived))


if __name__ == "__main__":
    raise SystemExit(main())
