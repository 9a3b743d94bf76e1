# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Algorithm 1 as a recipe of the shared training: few-shot tasks of concepts, likelihood and KL."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from ..concepts import NUM_ENTITIES, Concept, concepts_of
from ..errors import InvalidInput
from ..preset_recipe import PresetRecipe
from ..protocols import ParameterGroup, StepLosses
from .config import Preset, TrainingConfig
from .learner import Learner
from .objective import LossConfig, losses
from .task import Task, make_task


@dataclass(frozen=True)
class ConceptRecipe(PresetRecipe[Preset, TrainingConfig]):
    """What `ebm_core.training` trains a preset by; it satisfies `protocols.Recipe`."""

    @property
    def work(self) -> float:
        """The number of concepts per step."""
        return sum(self.run.concepts.values())

    @property
    def shown(self) -> Mapping[str, str]:
        """The likelihood losses of states (x) and attention (a), and their samplers'."""
        return {
            'x': 'generation_ml',
            'a': 'identification_ml',
            'kl_x': 'generation_kl',
            'kl_a': 'identification_kl',
        }

    def share(self, rank: int, number: int) -> Self:
        """Return the recipe with this process's share of each step's concepts.

        They are dealt out like cards: no process has more than one concept more than another, in
        all and of each family.
        """
        if number == 1:
            return self
        changes = {'concepts': deal(self.run.concepts, rank, number)}
        training = self.run.model_copy(update=changes)
        return self.with_training(training)

    def build(self) -> Learner:
        """Return a learner with weights at random."""
        return Learner(self.preset.model)

    def parameter_groups(self, module: Learner) -> tuple[ParameterGroup, ...]:
        """Return energy and step sizes apart.

        Step sizes follow the KL loss, whose gradient knows no measure.
        """
        run = self.run
        return (
            ParameterGroup(
                tuple(module.energy.parameters()), run.bias_learning_rate, run.learning_rate
            ),
            ParameterGroup(tuple(module.sampler.parameters()), run.sampler_learning_rate),
        )

    def draw(self, step: int, rng: np.random.Generator, device: torch.device) -> list[Task]:
        """Draw a step's concepts and their events; every step is drawn alike."""
        return draw_tasks(self.preset, rng, device)

    def losses(self, module: Learner, batch: list[Task], step: int) -> StepLosses:
        """Return the likelihood, with the KL loss from its step on, and what they are made of."""
        weight = kl_weight(self.run, step)
        config = loss_config(self.run, step)
        found = losses(module.energy, module.sampler, batch, config)
        total = found.likelihood + weight * found.kl if weight else found.likelihood
        return StepLosses(total, vars(found))

    def phase(self, step: int) -> Hashable:
        """Return which losses there are, and what the KL loss counts."""
        return loss_config(self.run, step), kl_weight(self.run, step)


def deal(concepts: Mapping[str, int], rank: int, number: int) -> dict[str, int]:
    """Return how many concepts of each key process `rank` of `number` draws: dealt out like cards.

    Too few of them raise InvalidInput.
    """
    dealt = [key for key, count in concepts.items() for _ in range(count)]
    if len(dealt) < number:
        raise InvalidInput(f'concepts: {len(dealt)} per step are too few for {number} processes')
    mine = dealt[rank::number]
    return {key: mine.count(key) for key in concepts}


def kl_weight(run: TrainingConfig, step: int) -> float:
    """Return the weight of the KL loss, which joins after the share `kl_from` of the steps."""
    return run.kl_weight if step >= run.kl_from * run.steps else 0.0


def loss_config(run: TrainingConfig, step: int) -> LossConfig:
    """Return what the losses of a step are made of."""
    return LossConfig(
        chains=step >= run.chains_from * run.steps,
        kl=bool(kl_weight(run, step)),
        kl_into_energy=run.kl_into_energy,
        positive=run.positive_weight,
        direction=run.direction_weight,
    )


def draw_tasks(
    preset: Preset,
    rng: np.random.Generator,
    device: torch.device,
    num_entities: tuple[int, int] = NUM_ENTITIES,
) -> list[Task]:
    """Draw a step's concepts, as many of each family as the preset says, and their events."""
    t = preset.training
    return [
        make_task(
            concepts,
            rng,
            t.demonstrations,
            t.queries,
            contexts=t.contexts,
            num_entities=num_entities,
            device=device,
        )
        for concepts in draw_concepts(t, rng)
    ]


def draw_concepts(t: TrainingConfig, rng: np.random.Generator) -> list[list[Concept]]:
    """Draw a step's concepts, grouped by what makes their events alike."""
    drawn = [
        known[index].variant(rng)
        for known, number in ((concepts_of(key), number) for key, number in t.concepts.items())
        for index in rng.integers(len(known), size=number)
    ]
    kinds: dict[tuple, list[Concept]] = {}
    for concept in drawn:
        kind = (concept.generates, concept.steps, concept.changes)
        kinds.setdefault(kind, []).append(concept)
    return list(kinds.values())
