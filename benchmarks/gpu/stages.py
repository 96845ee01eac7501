"""The stages, in the order of the report, and which of them may run beside each other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """title: its heading in the report; seconds: what it may take of :data:`BUDGET`; it is ended after that."""

    title: str
    seconds: float


#: Seconds of the whole check to which those of the stages belong; another budget scales them.
BUDGET = 480
#: Kept for the report.
RESERVE = 15
#: Less is not enough for a stage to begin with.
LEAST = 5

STAGES = {
    "environment": Stage("The machine", 60),
    "equality": Stage("GPU and CPU compute the same", 90),
    "waiting": Stage("What waits for the device in a step", 60),
    "cuda_tests": Stage("Tests marked `cuda`", 60),
    "suite": Stage("Other tests, on this machine", 100),
    "rates": Stage("Best rates of the device", 30),
    "flat": Stage("One stream: flat against packed and rows", 90),
    "steps": Stage("Steps on facts", 140),
    "text": Stage("Steps on text", 70),
    "graphs": Stage("CUDA graphs", 40),
    "scale": Stage("Training at the size of the literature", 400),
}

#: The untimed stages, in processes side by side.
TOGETHER = (("environment", "equality", "waiting"), ("cuda_tests", "suite"))
#: The share of the budget after which they must be done.
TOGETHER_SHARE = 0.3
#: The timed stages, one after the other with nothing beside them; the last takes all the time left.
ALONE = ("rates", "flat", "steps", "text", "graphs", "scale")
