#!/bin/bash
# A study of many small runs, shared by as many workers as there are tasks: each takes a run that nobody has.
#
#   sbatch examples/cluster/slurm_study.sh recipes/studies/relations.yaml
#
# A worker may be killed at any time; another one goes on with its run from the last checkpoint.
#SBATCH --job-name=jepa-study
#SBATCH --array=0-7
#SBATCH --gpus-per-node=1
#SBATCH --cpus-per-task=4
#SBATCH --signal=TERM@120
#SBATCH --requeue
set -euo pipefail

exec srun jepa-run study "$@"
