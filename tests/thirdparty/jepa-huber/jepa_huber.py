"""``huber``: quadratic near the target, linear far from it."""

from torch.nn.functional import huber_loss

from jepa_core import hookimpl


class HuberDistance:
    """The mean over the d components of e² / 2 where |e| <= delta, else of delta · (|e| - delta / 2).

    delta: where it turns from quadratic to linear; above 0. (Huber 1964.)
    """

    def __init__(self, delta: float = 1.0):
        if delta <= 0:
            raise ValueError(f"delta must be above 0, not {delta}")
        self.delta = delta

    def __call__(self, predicted, target):
        return huber_loss(predicted, target, reduction="none", delta=self.delta).mean(dim=-1)


@hookimpl
def jepa_distance_functions():
    return {"huber": HuberDistance}
