# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A trained energy learns one kind of concept more, from a few hundred events of it.

Beside the new events each step draws some of the concepts that it was trained on. They are drawn
anew, as in its training: nothing is stored. Without them it is plain fine-tuning, which forgets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import torch

from ..concepts import EventBatch
from ..config import changed
from ..errors import InvalidInput
from ..model_files import read_model
from .config import ModelConfig, Preset, TrainingConfig
from .open_recipe import recipe_of
from .recipe import ConceptRecipe
from .task import Events, Task

FEWEST_EVENTS = 20
# Of what a step of its training had, one in so many: named concepts, and kinds of the grammar.
_REHEARSED, _REHEARSED_KINDS = 4, 16


def adaptation(directory: Path | str, *, rehearse: bool = True, **changes: object) -> Preset:
    """Return how the model of a directory is taught; changes: of `TrainingConfig`, checked.

    Rates are a fraction of those that it was trained with, and the chains' step sizes stay.
    """
    files = read_model(directory)
    trained = files.card.get('training', {}) if rehearse else {}
    training = {
        'steps': 200,
        'concepts': _fewer(trained.get('concepts', {}), _REHEARSED),
        'grammar': _fewer(trained.get('grammar', {}), _REHEARSED_KINDS),
        'learning_rate': 3e-3,
        'bias_learning_rate': 7.5e-4,
        'sampler_learning_rate': 1e-6,
        'warmup_steps': 20,
        'kl_weight': 0.0,
        'kl_from': 1.0,
        'kl_into_energy': False,
        'direction_weight': 2.0,
        'positive_weight': 0.01,
        **changes,
    }
    return Preset(model=files.config(ModelConfig), training=changed(TrainingConfig(), training))


def _fewer(numbers: Mapping[str, int], times: int) -> dict[str, int]:
    return {key: max(1, round(number / times)) for key, number in numbers.items() if number}


@dataclass(frozen=True)
class AdaptationRecipe(ConceptRecipe):
    """The training of concepts, with some tasks per step of a kind that is given by its events.

    events: (N,) events in which it is brought about, of one meaning. codes: how many codes of it
    are inferred per step, each from events of its own.
    """

    events: EventBatch
    codes: int = 8

    def __post_init__(self) -> None:
        """Refuse events that are too few to show and to ask."""
        if len(self.events.attention) < FEWEST_EVENTS:
            raise InvalidInput(
                f'events: {len(self.events.attention)} are refused: {FEWEST_EVENTS} or more'
            )

    @property
    def config(self) -> dict:
        """The preset, and how much there is of the new kind."""
        return {**super().config, 'events': len(self.events.attention), 'codes': self.codes}

    @property
    def work(self) -> float:
        """The number of concepts per step."""
        return self._rehearsal.work + self.codes

    @cached_property
    def _rehearsal(self) -> ConceptRecipe:
        return recipe_of(self.preset)

    def share(self, rank: int, number: int) -> Self:
        """Return the recipe; several processes are refused, as a few minutes of one are enough."""
        if number > 1:
            raise InvalidInput(f'{number} processes are refused: a kind is learned by one')
        return self

    def draw(self, step: int, rng: np.random.Generator, device: torch.device) -> list[Task]:
        """Draw what is rehearsed, and the new kind's events, whose order tells who asks."""
        t = self.run
        each = t.demonstrations + t.queries
        places = np.stack(
            [rng.permutation(len(self.events.attention))[:each] for _ in range(self.codes)]
        )
        keep = self.events.participants
        shown = self.events[places[:, : t.demonstrations]]
        asked = self.events[places[:, t.demonstrations :].reshape(-1)]
        new = Task(
            t.queries,
            Events.of(shown, device, keep),
            Events.of(asked, device, keep),
            None,
            None,
            None,
            torch.zeros(len(asked.attention), device=device),
        )
        return [*self._rehearsal.draw(step, rng, device), new]
