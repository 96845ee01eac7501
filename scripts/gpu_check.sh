#!/usr/bin/env bash
# Checks and measures this project on a machine with a GPU, from a bare checkout, in under eight minutes:
#
#   scripts/gpu_check.sh [OUT] [--seconds 480] [--wheels FOLDER]
#
# Installs nothing and needs no network: what is imported is this checkout, beside the packages of the python3 on the
# path (install_requires of setup.cfg; pytest for the tests, matplotlib for the picture). What that one lacks can be
# brought as wheels in a folder. OUT, or $OUT, or runs/gpu_check gets gpu-DEVICE-DATE.md, .json, .svg and .log, which
# are kept up to date while it runs. Every stage has its own time and leaves its result when another fails; the exit
# status is 1 where one did.
#
#   GPU_CHECK_PYTHON    the Python to use            GPU_CHECK_WHEELS   a folder of wheels
#   GPU_CHECK_SECONDS   the time for all of it       GPU_CHECK_TINY=1   tiny sizes, to try the script on a CPU
#   GPU_CHECK_COMMIT    what to call the checkout where git does not say
export GPU_CHECK_FROM="$PWD" # what paths in the command are relative to
cd "$(dirname "$0")/.." || exit 1
exec "${GPU_CHECK_PYTHON:-python3}" -m benchmarks.gpu.check "$@"
