"""The objective: next-token prediction and the JEPA losses from one pass of the transformer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import chain
from typing import Literal

import torch
from torch import Tensor
from transformers import PreTrainedModel

from jepa_core.components import DistanceTraits
from jepa_core.errors import ComponentError
from jepa_core.model.transformer import Transformer
from jepa_core.objective.candidate_states import candidate_states
from jepa_core.objective.company import Company, Joined
from jepa_core.objective.cross_entropy import cross_entropy_sum
from jepa_core.objective.given import Uncopied, given_counts, plan_given
from jepa_core.objective.hidden import HiddenStates
from jepa_core.objective.jepa_term import RunningTerm
from jepa_core.objective.layouts import choose
from jepa_core.objective.needs import OF_CANDIDATES
from jepa_core.objective.plan import Plan, PlannedRecall, PlannedTerm, PlannedView
from jepa_core.objective.planner import Planner
from jepa_core.objective.recall import make_recall, plan_recalls
from jepa_core.objective.room import refuse_overflow
from jepa_core.objective.schedule import weight_at
from jepa_core.objective.sharing import leave_model, take_model
from jepa_core.objective.spec import ObjectiveSpec, register_parts
from jepa_core.objective.target import target_encoder
from jepa_core.objective.terms import NTP, Count, ObjectiveOutput, Term
from jepa_core.samples.draws import Draws
from jepa_core.samples.samples import PAD, Samples
from jepa_core.tensors import is_split


class JepaObjective(Uncopied):
    """``gamma_ntp * ntp`` plus JEPA losses over a Hugging Face causal language model.

    NTP is the mean cross-entropy of labelled tokens, a JEPA loss the mean distance over counted pairs; all come
    from one forward pass over samples and second views (LLM-JEPA, arXiv 2509.14252, with that pass shared).
    The model is as it was before after :meth:`close`.

    Raises ComponentError where components, layout and model do not go together.
    """

    def __init__(self, model: PreTrainedModel, spec: ObjectiveSpec):
        super().__init__()
        self.model = model
        self.spec = spec
        self.target_encoder = target_encoder(model, spec)
        self.transformer = Transformer(model)
        self.terms: tuple[RunningTerm, ...] = tuple(RunningTerm.of(term, self.transformer) for term in spec.terms)
        self.parts = register_parts(self, spec)
        take_model(self)
        self.layout = choose(spec.layout, spec.mask, spec.positions, self.transformer)
        self.planner = Planner(spec, self.layout.arrange)
        self.recall = make_recall(spec, self.transformer, self.terms[0])
        self.company: Company | None = None  #: processes that train together, set by a trainer

    @property
    def needs_candidates(self) -> bool:
        """Tells whether a loss or recall asks for the states of the task's candidates."""
        needs = {need for term in self.spec.terms for need in DistanceTraits.of(term.distance).needs}
        return self.recall is not None or bool(OF_CANDIDATES & needs)

    def close(self) -> None:
        """Takes every hook off the model."""
        leave_model(self)

    def plan(self, batch: dict[str, Tensor], step: int = 0, training: bool | None = None) -> Plan:
        """Plans this batch at this optimizer step; costs no model time. training: None: as the module's mode is."""
        plan = self.planner(batch, step, self.training if training is None else training)
        refuse_overflow(plan, self.transformer.max_positions)
        return self._with_places(plan)

    def forward(
        self,
        *,
        step: int = 0,
        counts: Mapping[str, Count | float] | None = None,
        plan: Plan | None = None,
        bank: Tensor | None = None,
        **batch: Tensor,
    ) -> ObjectiveOutput:
        """Computes the losses of a batch (keys as in :data:`~jepa_core.samples.sample_set.Batch`) or of its `plan`.

        counts: labelled tokens and counted pairs of the whole optimizer step by term, where this batch is only a part
        of it: the parts' losses add up to the step's. bank: ``m d``, the candidates' states, where they are known.
        """
        plan = plan_given(self, batch, step) if plan is None else plan
        counts, hidden = given_counts(counts, self.spec, plan), HiddenStates()
        if len(plan.blocks[0].sample):
            hidden = self.hidden_states(plan, only_reads=True, bank=bank)
            loss, terms, means = self._ntp(plan, hidden, counts)
        else:  # a process whose share of the step is empty takes part all the same
            loss = self._keep_alive(everything=True)
            terms, means = {}, {NTP: loss.detach()}
        for name, weight, found, planned in self._jepa_sums(plan, hidden, bank):
            mean = found / counts.get(name, planned.denominator or 1.0)
            loss = loss + weight * mean
            if planned.samples:
                terms[name], means[name] = Term(found.detach(), planned.count, weight), mean.detach()
        if self.transformer.lockstep is not None:
            loss = loss + self.transformer.lockstep.end()
        return ObjectiveOutput(loss, terms, means, tuple(term.name for term in self.spec.terms))

    def hidden_states(
        self, plan: Plan, also: Iterable[int] = (), only_reads: bool = False, bank: Tensor | None = None
    ) -> HiddenStates:
        """Runs a plan; returns hidden states, ``hidden[layer][block]`` is ``m w d``, at the layers that the losses
        read, and `also` at others. only_reads: in the last layer only those that the losses read are right."""
        layers = {self.transformer.num_layers, *also}
        for term, planned in zip(self.terms, plan.terms, strict=False):
            if planned.pairs:
                layers.update(side.layer for side in term.sides)
        return self.layout.run(plan, self.transformer, sorted(layers), only_reads, self._around(plan, bank))

    def embeddings(self, plan: Plan, hidden: HiddenStates, number: int = 0) -> list[tuple[Tensor, Tensor]]:
        """(predicted, target), each ``n d``, for each pair of views of a term."""
        return self.terms[number].embeddings(plan.terms[number], plan, hidden, self._target_states(plan, hidden))

    def predict(self, samples: Samples) -> Tensor:
        """``n d``: the first term's prediction from samples, or parts of them, that stand alone."""
        plan, view = self._alone(samples)
        layers = sorted({side.layer for side in self.terms[0].source_sides})
        hidden = self.layout.run(plan, self.transformer, layers, False)
        states = {layer: hidden[layer].view(view) for layer in layers}
        return self.terms[0].predicted_from(states, view.select, plan.blocks[0].tags)

    def embed(self, samples: Samples, side: Literal["source", "target"] = "target") -> Tensor:
        """``n d``: the embedding of samples, or parts of them, that stand alone, by the first term's extractor of that
        side, from all their tokens (for the source: before the predictor)."""
        plan, view = self._alone(samples)
        chosen = self.terms[0].source if side == "source" else self.terms[0].target
        encoder = self.target_encoder if side == "target" else None
        transformer = self.transformer if encoder is None else encoder.transformer
        return chosen.embed(view, plan, self.layout.run(plan, transformer, [chosen.layer], False))

    def candidate_states(self) -> Tensor:
        """``m d``: the target embedding of every candidate of the task, each alone, from the weights as they are."""
        if self.spec.candidates is None:
            raise ComponentError("the distance compares with all candidates, and the dataset lists none")
        return candidate_states(self.embed, self.spec.candidates.samples, again=self.transformer.lockstep is None)

    def jepa_sum(self, plan: Plan, hidden: HiddenStates, number: int = 0, bank: Tensor | None = None) -> Tensor:
        """The sum of the distances of a term's counted pairs; a scalar in fp32."""
        embeddings = self.embeddings(plan, hidden, number)
        return self.terms[number].distances(plan.terms[number], embeddings, self.spec.target, self._bank(bank))

    def weight(self, name: str, step: int) -> float:
        """The weight of a term in this optimizer step."""
        if name == NTP:
            return self.spec.gamma_ntp
        return next(weight_at(term.weight, step) for term in self.spec.terms if term.name == name)

    def after_step(self) -> None:
        """Moves a target encoder that follows the model; to be called after each optimizer step."""
        if self.target_encoder is not None:
            self.target_encoder.follow(self.model)

    def _jepa_sums(
        self, plan: Plan, hidden: HiddenStates, bank: Tensor | None
    ) -> Iterable[tuple[str, float, Tensor, PlannedTerm]]:
        """Yields name, weight, sum and plan of every JEPA term, and of its regularizers, that counts a pair."""
        targets = self._target_states(plan, hidden) if any(planned.count for planned in plan.terms) else hidden
        for number, (term, planned) in enumerate(zip(self.terms, plan.terms, strict=True)):
            together = self.company if term.compares and self.training else None
            if not planned.count and together is None:
                continue
            embeddings = term.embeddings(planned, plan, hidden, targets) if planned.count else []
            joined = Joined(planned, embeddings) if together is None else together.join(planned, embeddings)
            if not joined.planned.count:
                continue
            found = term.distances(joined.planned, joined.embeddings, self.spec.target, self._bank(bank), joined.own)
            yield term.spec.name, weight_at(term.spec.weight, plan.step), found, planned
            draws = Draws(self.spec.seed, plan.step, torch.zeros(0, dtype=torch.int64), stream=(number << 8) + 254)
            own = min(planned.count, 1)  # only processes that have a pair pay for it
            for name, weight, scalar in term.regularizers(joined.embeddings, self.spec.target, draws):
                yield name, weight, scalar * own, PlannedTerm((), own, weighed=1.0)

    def _target_states(self, plan: Plan, hidden: HiddenStates) -> HiddenStates:
        """The states that targets are read from: those of this pass, or of the target encoder's own."""
        if self.target_encoder is None:
            return hidden
        layers = sorted({term.target.layer for term in self.terms})
        with torch.no_grad():
            return self.layout.run(plan, self.target_encoder.transformer, layers, False)

    def _bank(self, known: Tensor | None) -> Callable[[], Tensor]:
        return self.candidate_states if known is None else lambda: known

    def _around(self, plan: Plan, bank: Tensor | None) -> Callable[[int], AbstractContextManager]:
        """The context of each transformer call by number: with recall, its questions and the memory."""
        if self.recall is None or not plan.recalls:
            return lambda number: nullcontext()
        with torch.no_grad():
            memory = self.candidate_states() if bank is None else bank
        recall = self.recall

        def around(number: int) -> AbstractContextManager:
            return recall.at(plan.recalls[number], memory)

        return around

    def _alone(self, samples: Samples) -> tuple[Plan, PlannedView]:
        plan = self.planner.alone(samples).to(self.model.device)
        return plan, PlannedView(0, torch.arange(len(samples), device=self.model.device), plan.blocks[0].tags != PAD)

    def _with_places(self, plan: Plan) -> Plan:
        arrangement, last = plan.arrangement, self.transformer.num_layers
        views = [term.reads(planned, plan, last) for term, planned in zip(self.terms, plan.terms, strict=True)]
        read = torch.cat([plan.labelled[0], *chain(*views)])
        recalls: tuple[PlannedRecall, ...] = ()
        if self.recall is not None and self.spec.asked is not None:
            recalls = plan_recalls(self.spec.asked, plan.blocks, arrangement)
        return replace(plan, reads=arrangement.by_call(read), recalls=recalls)

    def _ntp(
        self, plan: Plan, hidden: HiddenStates, counts: Mapping[str, Count | float]
    ) -> tuple[Tensor, dict[str, Term], dict[str, Tensor]]:
        """The next-token part of the loss, with its term and mean."""
        gamma = self.spec.gamma_ntp
        with torch.set_grad_enabled(torch.is_grad_enabled() and gamma > 0):
            total = self._ntp_sum(plan, hidden)
            ntp = total / counts.get(NTP, max(plan.labels, 1))
        loss = gamma * ntp + self._keep_alive(gamma == 0 or self.spec.ntp_detach is not None)
        terms = {NTP: Term(total.detach(), plan.labels, gamma)} if plan.labels else {}
        return loss, terms, {NTP: ntp.detach()}

    def _ntp_sum(self, plan: Plan, hidden: HiddenStates) -> Tensor:
        places, ids = plan.labelled
        states = hidden[self.transformer.num_layers].flat.index_select(0, places)
        return cross_entropy_sum(self.transformer.logits, states, ids, self.transformer.vocab)

    def _keep_alive(self, everything: bool) -> Tensor:
        """Zero, with a gradient path to every parameter of a component, or of the model too.

        A rank or micro-batch without a counted pair would otherwise leave them without a gradient, and
        ranks would wait for each other.
        """
        parts = (part for part in self.children() if everything or part is not self.model)
        trained = (p for part in parts for p in part.parameters() if p.requires_grad and not is_split(p))
        return sum((p.sum() * 0 for p in trained), start=torch.zeros((), device=self.model.device))
