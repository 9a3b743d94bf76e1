# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The recipe of presets that draw from the grammar: concepts of families, and the continuum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from .config import Preset, TrainingConfig
from .grammar_task import PARTICIPANTS, GrammarTasks
from .recipe import ConceptRecipe, deal, draw_concepts
from .task import Task, make_task

FAMILY_STEPS = 2  # steps that use the same events of families, which take their time to draw
_MOST_MOVERS = 4
_AHEAD = 4  # batches that each worker is ahead


@dataclass(frozen=True)
class OpenRecipe(ConceptRecipe):
    """What a preset with a grammar is trained by.

    A step's draws depend on seed, rank and step alone, so that they can be drawn ahead, by
    processes of their own, and again when a run is continued.
    """

    rank: int = 0

    @property
    def work(self) -> float:
        """The number of concepts per step."""
        return super().work + sum(self.run.grammar.values())

    def share(self, rank: int, number: int) -> Self:
        """Return the recipe with this process's share of each step's concepts."""
        if number == 1:
            return self
        changes = {
            'concepts': deal(self.run.concepts, rank, number),
            # The other way round, so that no process gets one more of everything.
            'grammar': deal(self.run.grammar, number - 1 - rank, number),
        }
        training = self.run.model_copy(update=changes)
        return replace(self.with_training(training), rank=rank)

    def draw(self, step: int, rng: np.random.Generator, device: torch.device) -> list[Task]:
        """Return a step's tasks: of families, and of the grammar."""
        tasks = []
        if any(self.run.concepts.values()):
            tasks += [task.map(_tensor_on(device)) for task in self._families.of(step)]
        if any(self.run.grammar.values()):
            tasks += self._grammar(device).of_step(step)
        return tasks

    def _grammar(self, device: torch.device) -> GrammarTasks:
        if 'grammar' not in self._made:
            run = self.run
            self._made['grammar'] = GrammarTasks(
                run.grammar,
                demonstrations=run.demonstrations,
                queries=run.queries,
                seed=1000 * run.seed + self.rank,
                device=device,
            )
        return self._made['grammar']

    @cached_property
    def _made(self) -> dict[str, GrammarTasks]:
        return {}

    @cached_property
    def _families(self) -> FamilyTasks:
        return FamilyTasks(self.preset, self.rank)


def _tensor_on(device: torch.device):
    return lambda array: torch.as_tensor(array).to(device, non_blocking=True)


class FamilyTasks:
    """The tasks of families, in the order of the steps, drawn ahead by processes of their own."""

    def __init__(self, preset: Preset, rank: int) -> None:
        """Prepare to draw; no process starts before the first step is asked for."""
        self._draws = _Draws(preset, rank)
        self._workers = preset.training.workers
        self._index, self._tasks, self._ahead = -1, [], iter(())

    def of(self, step: int) -> list[Task]:
        """Return a step's tasks, with arrays of NumPy for tensors."""
        index = step // FAMILY_STEPS
        if index != self._index:
            if index != self._index + 1 or self._index < 0:
                self._ahead = self._from(index)
            self._index, self._tasks = index, next(self._ahead)
        return self._tasks

    def _from(self, index: int) -> Iterator[list[Task]]:
        if not self._workers:
            return (self._draws[i] for i in range(index, len(self._draws)))
        loader = DataLoader(
            self._draws,
            batch_size=None,
            sampler=range(index, len(self._draws)),
            num_workers=self._workers,
            prefetch_factor=_AHEAD,
            collate_fn=_as_it_is,
            # Its own, for a continued run starts the workers once more than one that never ended.
            generator=torch.Generator(),
        )
        return iter(loader)


def _as_it_is(tasks: list[Task]) -> list[Task]:
    return tasks


@dataclass(frozen=True)
class _Draws(Dataset):
    """Batches of families by number, each drawn from a random state of its own."""

    preset: Preset
    rank: int

    def __len__(self) -> int:
        return -(-self.preset.training.steps // FAMILY_STEPS)

    def __getitem__(self, index: int) -> list[Task]:
        t: TrainingConfig = self.preset.training
        rng = np.random.default_rng([t.seed, self.rank, index])
        tasks = []
        for concepts in draw_concepts(t, rng):
            one = concepts[0]
            task = make_task(
                concepts,
                rng,
                t.demonstrations,
                t.queries,
                contexts=t.contexts,
                # Of what is only attended to, there may be as many as a scene has entities.
                participants=PARTICIPANTS if one.generates else 2 * PARTICIPANTS,
                movers=_MOST_MOVERS if one.changes == 'positions' else 1,
            )
            # Arrays, for tensors would travel between processes as a file descriptor each.
            tasks.append(task.map(lambda tensor: tensor.numpy()))
        return tasks


def recipe_of(preset: Preset) -> ConceptRecipe:
    """Return the recipe that a preset is trained by."""
    drawn_ahead = preset.training.grammar or preset.training.workers
    return OpenRecipe(preset) if drawn_ahead else ConceptRecipe(preset)
