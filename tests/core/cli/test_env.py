from __future__ import annotations

import platform

import torch

import jepa_core


def test_env_names_what_a_bug_report_needs(cli, site):
    site.install("bad", thing="import no_such_module")
    done = cli("env")
    assert done.exit_code == 0
    shown = dict(line.strip().split(None, 1) for line in done.stdout.splitlines() if len(line.split()) > 1)
    assert shown["python"] == platform.python_version()
    assert shown["jepa-core"].strip() == jepa_core.__version__
    assert shown["torch"] == torch.__version__
    assert shown["plugins"] == f"jepa-core {jepa_core.__version__}"
    assert "broken plugins   bad:thing" in done.stdout
