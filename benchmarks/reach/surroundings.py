# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What lies on the table while the arm moves, and what the controller makes of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from benchmarks.reach.tasks import Task
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.control.target import Target, same_surroundings

TargetMaker = Callable[[Task], Target]


class Surroundings:
    """Nothing moves: one task, one target."""

    def __init__(self, task: Task, make: TargetMaker) -> None:
        self._task, self._make = task, make
        self.target = make(task)

    def update(self, simulation: ArmSimulation) -> tuple[Task, Target]:
        """Return what is asked now, and the target that the controller has now."""
        return self._task, self.target

    def minimum_m(self) -> np.ndarray:
        """Return where the target's field is lowest, (2,) m."""
        return self._task.goal.workspace.to_base(self.target.field.minimum())


class ChangingWeights(Surroundings):
    """At first the arm is given other weights than those that it is judged by."""

    CHANGED_AT_S = 0.25  # when the arm is on its way

    def __init__(self, first: Task, task: Task, make: TargetMaker) -> None:
        super().__init__(first, make)
        self._asked, self._task = False, task

    def update(self, simulation: ArmSimulation) -> tuple[Task, Target]:
        """Change the weights when it is time to."""
        if not self._asked and simulation.time_s >= self.CHANGED_AT_S:
            self._asked, self.target = True, self._make(self._task)
        return self._task, self.target


class ChangingTable(Surroundings):
    """Something on the table changes all the time.

    The controller sees the scene SCENE_PERIOD_S apart, and each target TARGET_DELAY_S after the
    scene that it was made for: about what identifying and tabulating takes in real time.
    """

    SCENE_PERIOD_S = 0.04
    TARGET_DELAY_S = 0.05

    def __init__(self, task: Task, make: TargetMaker) -> None:
        super().__init__(task, make)
        self._seen = task.named
        self._coming: deque[tuple[float, Target]] = deque()
        self._seen_at_s = -np.inf

    def update(self, simulation: ArmSimulation) -> tuple[Task, Target]:
        """Change the table as one timestep does, and make the target anew when it is time to."""
        time_s = simulation.time_s
        self._change(simulation)
        self._task = self._task.now(simulation)
        if time_s - self._seen_at_s >= self.SCENE_PERIOD_S - 1e-9:
            self._seen_at_s = time_s
            if not same_surroundings(self._seen, self._task.named):
                self._seen = self._task.named
                self._coming.append((time_s + self.TARGET_DELAY_S, self._make(self._task)))
        while self._coming and self._coming[0][0] <= time_s + 1e-9:
            self.target = self._coming.popleft()[1]
        return self._task, self.target

    def _change(self, simulation: ArmSimulation) -> None:
        raise NotImplementedError


class MovingReference(ChangingTable):
    """One reference entity goes straight on at a steady speed, and back at the border."""

    _BORDER_UNITS = 0.6  # what a concept asks for beside it is then within the plane

    def __init__(
        self, task: Task, make: TargetMaker, speed_m_s: float, timestep_s: float, seed: int
    ) -> None:
        super().__init__(task, make)
        references = task.named.scene.references(task.goal.attention)
        if not references.any():
            raise ValueError(f'moving: {task.concepts[0].name} refers to nothing that could move')
        self._index = int(np.flatnonzero(references)[0])
        angle = np.random.default_rng(seed).uniform(0, 2 * np.pi)
        self._step_m = speed_m_s * timestep_s * np.array([np.cos(angle), np.sin(angle)])

    def _change(self, simulation: ArmSimulation) -> None:
        place = simulation.data.mocap_pos[self._index]
        in_plane = simulation.workspace.to_plane(place)
        outwards = self._step_m * in_plane > 0
        self._step_m[(np.abs(in_plane) > self._BORDER_UNITS) & outwards] *= -1.0
        place[:2] += self._step_m


class AppearingDistractors(ChangingTable):
    """Who takes no part appears and vanishes, each by itself, for as long as the run takes.

    What vanishes is sunk into the floor, and seen no more.
    """

    PERIOD_S = 0.15
    _SUNK_M = 1.0

    def __init__(self, task: Task, make: TargetMaker, seed: int) -> None:
        super().__init__(task, make)
        self._indices = np.flatnonzero((task.goal.attention < 0.5) & ~task.named.scene.movable)
        self._all = len(task.named.ids) - 1
        self._rng = np.random.default_rng(seed)
        self._next_s = 0.0

    def _change(self, simulation: ArmSimulation) -> None:
        if simulation.time_s < self._next_s - 1e-9:
            return
        self._next_s += self.PERIOD_S
        there = self._rng.random(len(self._indices)) < 0.5
        if len(self._indices) == self._all:
            there[0] = True  # a message has at least one entity beside the effector
        heights = [e.height_m / 2 for e in simulation.table_scene.entities]
        for index, is_there in zip(self._indices, there, strict=True):
            height_m = simulation.workspace.table_height_in_base_m + heights[index]
            simulation.data.mocap_pos[index, 2] = height_m if is_there else -self._SUNK_M
