# %% [markdown]
# # A distance of your own
#
# A distance says how far each prediction is from its target. Here one is written, held to its contract, and trained
# with, in the order in which you would do it. It takes a few seconds.

# %% [markdown]
# ## Write it
#
# A component is a plain callable; this one takes two tensors of n pairs and d components, and returns n numbers. Its
# keyword arguments are the options that a recipe may give. The function at the end, a *hook*, gives it a name.

# %%
from pathlib import Path

_ = Path("huber.py").write_text('''
from torch.nn.functional import huber_loss
from jepa_core import hookimpl


class Huber:
    """The Huber distance, summed over the components.

    delta: where it turns from quadratic to linear.
    """

    def __init__(self, delta: float = 1.0):
        self.delta = delta

    def __call__(self, predicted, target):
        return huber_loss(predicted, target, reduction="none", delta=self.delta).sum(dim=-1)


@hookimpl
def jepa_distance_functions():
    return {"huber": Huber}
''')

# %% [markdown]
# ## Hold it to its contract
#
# `jepa_core.testing` has a contract for every kind of component. A subclass that can make yours inherits the tests; in
# a project of your own they run with pytest. Here are two of them by hand: does a step against the gradient bring the
# prediction closer, and does gradient reach both sides?

# %%
from huber import Huber

from jepa_core.testing import DistanceContract


class TestHuber(DistanceContract):
    def make(self):
        return Huber()


tests = TestHuber()
tests.test_descent_brings_the_prediction_closer()
tests.test_gradient_reaches_both_sides()

# %% [markdown]
# What happens when it is wrong? With the sign turned round the first test fails, and says what the contract says.


# %%
class TestWrongWayRound(DistanceContract):
    def make(self):
        return lambda predicted, target: -Huber()(predicted, target)


try:
    TestWrongWayRound().test_descent_brings_the_prediction_closer()
except AssertionError as error:
    print(str(error).splitlines()[0], *error.__notes__, sep="\n")

# %% [markdown]
# ## Train with it
#
# A registry finds the installed components; a file is added by its path. On the command line this is
# `jepa-run cosine_k1 --plugin huber.py 'objective.distance={name: huber, delta: 0.5}'`.

# %%
import jepa_core

registry = jepa_core.Registry.discover()
registry.add_file(Path("huber.py"))
small = ["data={name: reversal_curse, entities_both_ways: 60, entities_one_way: 20, name_multiplicity: null}"]
small += ["training.max_steps=30"]
small += ["model.config.n_embd=32", "training.warmup_steps=5", "training.per_device_train_batch_size=32"]
recipe = jepa_core.load_recipe(
    "cosine_k1",
    overrides=["objective.distance={name: huber, delta: 0.5}", "output_dir=huber_run", *small],
    registry=registry,
)
result = jepa_core.run(recipe, registry=registry, device="cpu")
for split, figures in result.metrics.items():
    distance = figures["jepa_loss"]  # None where no pair is counted: held-out directions have none
    print(
        f"{split:8} next-token loss {figures['ntp_loss']:.1f}  ", "no pair" if distance is None else f"{distance:.4f}"
    )

# %% [markdown]
# An option that there is not is refused with file and line, before anything is trained:

# %%
try:
    jepa_core.load_recipe("cosine_k1", overrides=["objective.distance={name: huber, dleta: 1.0}"], registry=registry)
except jepa_core.JepaError as error:
    print(error)

# %% [markdown]
# ## Make it a package
#
# `jepa-run new distance my_distance` writes one that pip can install: with the contract test, a recipe, and a file for
# CI. Installed, it needs no `--plugin`, and `jepa-run list` shows it.
