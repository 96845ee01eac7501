#!/usr/bin/env bash
# From nothing to a distance of one's own that is tested, listed and trained with; each step under its time.
#
#     scripts/first_component.sh [PYTHON]      one that has jepa-core; by default .venv/bin/python
#
# Works in a new folder and a new environment that sees PYTHON's packages, and leaves nothing behind.
set -euo pipefail
python="$(realpath --no-symlinks "${1:-.venv/bin/python}")"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

step() {
    local from="$SECONDS"
    echo "\$ $*"
    "$@" > said.txt 2>&1 || { cat said.txt; exit 1; }
    tail -n 2 said.txt
    echo "  $((SECONDS - from)) s"
}

environment() {
    "$python" -m venv --without-pip env
    "$python" - env << 'END'
import sys, sysconfig
from pathlib import Path
(site,) = (Path(sys.argv[1]) / "lib").glob("python3*/site-packages")
parents = dict.fromkeys(path for path in sys.path if path.endswith("-packages"))
site.joinpath("parent.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in parents))
END
}

SECONDS=0
step environment
jepa_run=(env/bin/python -m jepa_core.cli.main)
step "${jepa_run[@]}" new distance my_distance
step "$python" -m pip --python env/bin/python install --no-index --no-deps --no-build-isolation -e jepa-my-distance
step env/bin/python -m pytest -q jepa-my-distance
"${jepa_run[@]}" list components > listed.txt
grep my_distance listed.txt
step "${jepa_run[@]}" jepa-my-distance/my_distance.yaml --device cpu
"${jepa_run[@]}" plugins > listed.txt
grep my_distance listed.txt
test -s runs/my_distance/metrics.json
echo "$SECONDS s in all"
