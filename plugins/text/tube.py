"""``tube``: three points on the way through the conversation, as STP is printed."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from jepa_core import BuildContext, Draws, Part, Samples, Views, hookimpl
from jepa_plugins.text.random_spans import tag_of
from jepa_plugins.text.spans import Through, draw_neighbours, draw_points, path, places_in_row


class Tube:
    """Draws points s < r < t from the path. Source: s and r; target: r and t; with the extractor `difference` and
    the distance `cosine` the loss is 1 - cos(h_t - h_r, h_r - h_s) (STP, arXiv 2602.22617). No second view, no
    second pass. A conversation with a path of fewer than three tokens weighs nothing.

    user, assistant: numbers of these tags; through: as in `random_spans`; neighbours: the three points follow each
    other, so that with the distance `angle` the loss is the path's curvature at a random place.
    """

    def __init__(self, user: int, assistant: int, through: Through = "contents", neighbours: bool = False):
        self.user, self.assistant, self.through, self.neighbours = user, assistant, through, neighbours

    def __call__(self, samples: Samples, draws: Draws) -> Views:
        chosen = path(samples.tags, self.user, self.assistant, self.through) & samples.valid
        lengths = chosen.sum(dim=1)
        if self.neighbours:
            points = draw_neighbours(lengths, draws(0))
        else:
            points = draw_points(lengths, torch.stack([draws(0), draws(1), draws(2)], dim=1))
        at = places_in_row(chosen, points).clamp(max=max(samples.ids.shape[1] - 1, 0))
        enough = lengths >= 3
        none = torch.zeros_like(chosen)
        source, target = none.scatter(1, at[:, :2], True), none.scatter(1, at[:, 1:], True)
        anything = samples.valid & ~enough[:, None]
        pair = Part(source.where(enough[:, None], anything)), Part(target.where(enough[:, None], anything))
        return Views((pair,), (enough.float(),))


def tube(context: BuildContext, through: Through = "contents", neighbours: bool = False) -> Tube:
    """Three points on the way through the conversation (STP as printed); read both sides with `difference`.

    through: the contents of users' and assistants' turns alone, end_to_end with everything between them, prompt with
    everything up to the user's last token, or all; neighbours: the three points follow each other, as for the
    curvature of the path.
    """
    return Tube(tag_of(context, "user"), tag_of(context, "assistant"), through, neighbours)


@hookimpl
def jepa_reversal_strategies() -> Mapping[str, object]:
    return {"tube": tube}
