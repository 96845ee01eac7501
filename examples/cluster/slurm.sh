#!/bin/bash
# A run on two machines of eight GPUs each. The folder runs/ is on a disk that both see.
#
#   sbatch examples/cluster/slurm.sh recipes/cosine_k1.yaml
#
# Two minutes before the job is taken away Slurm sends TERM, and a checkpoint is saved. A job that was preempted, or whose
# machine failed, comes back by itself and goes on from there; one whose time was up goes on when it is submitted again.
#SBATCH --job-name=jepa
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=32
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

host=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)

# exec: the signal reaches srun, and through it the agents of torchrun.
exec srun torchrun \
    --nnodes "$SLURM_NNODES" --nproc-per-node "${SLURM_GPUS_ON_NODE:-8}" \
    --rdzv-backend c10d --rdzv-endpoint "$host:29500" --rdzv-id "$SLURM_JOB_ID" \
    -m jepa_core.cli.main "$@"
