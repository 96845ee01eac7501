# jepa-core in an image, on the CPU:
#
#   docker build -t jepa-core .
#   mkdir -p runs     # or Docker makes it, and it is root's
#   docker run --rm --user "$(id -u)" -v "$PWD/runs:/runs/runs" jepa-core cosine_k1
#
# For an NVIDIA GPU, a CUDA base and torch's wheels for that CUDA (then docker run --gpus all …):
#
#   docker build -t jepa-core:cuda --build-arg BASE=nvidia/cuda:13.0.1-base-ubuntu24.04 --build-arg TORCH=cu130 \
#       --build-arg PACKAGES="gcc libc6-dev python3-dev" .
#
# PACKAGES: more of Debian's; torch.compile and flex attention need a C compiler on a GPU.
# BASE: Debian or Ubuntu with Python 3.11 or newer in its packages. TORCH: cpu, cu126, cu130, …, a folder of
# download.pytorch.org/whl; empty: torch as the usual package index has it, and no other address is asked. EXTRAS: see
# extras in setup.cfg.
ARG BASE=debian:trixie-slim
# hadolint ignore=DL3006
FROM ${BASE}

ARG PACKAGES=""
# hadolint ignore=DL3008,SC2086
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv ${PACKAGES} \
    && rm -rf /var/lib/apt/lists/*

ENV PATH=/opt/jepa-core/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1
ARG TORCH=cpu
ARG EXTRAS=plots,study,text,lora

# Torch by itself first: a layer that changes with its version only.
COPY constraints.txt /src/
RUN python3 -m venv /opt/jepa-core \
    && pip install -c /src/constraints.txt ${TORCH:+--extra-index-url "https://download.pytorch.org/whl/${TORCH}"} torch

COPY setup.cfg pyproject.toml README.md LICENSE /src/
COPY docs/PACKAGE.md /src/docs/
COPY jepa_core /src/jepa_core
COPY plugins /src/plugins
COPY recipes /src/recipes
RUN pip install -c /src/constraints.txt "/src[${EXTRAS}]" && jepa-run --version

# Any user may work there, so that files in a mounted folder belong to whoever started it. Such a user has no name;
# PyTorch asks for one.
RUN mkdir /runs && chmod 1777 /runs
ENV HOME=/runs USER=jepa
USER 1001
WORKDIR /runs
ENTRYPOINT ["jepa-run"]
CMD ["--help"]
