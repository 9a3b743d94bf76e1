"""What lies on the table while the arm moves, and what the controller makes of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from benchmarks.reach.tasks import Task, make_task
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.control.target import Target

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


class MovingReference(Surroundings):
    """One reference entity goes straight on at a steady speed, and back at the border.

    The controller sees the scene SCENE_PERIOD_S apart, and each target TARGET_DELAY_S after the
    scene that it was made for: about what identifying and tabulating takes in real time.
    """

    SCENE_PERIOD_S = 0.04
    TARGET_DELAY_S = 0.05
    _BORDER_UNITS = 0.6  # what a concept asks for beside it is then within the plane

    def __init__(
        self, task: Task, make: TargetMaker, speed_m_s: float, timestep_s: float, seed: int
    ) -> None:
        super().__init__(task, make)
        references = (task.goal.attention > 0.5) & ~task.named.scene.movable
        if not references.any():
            raise ValueError(f'moving: {task.concept.name} refers to nothing that could move')
        self._index = int(np.flatnonzero(references)[0])
        angle = np.random.default_rng(seed).uniform(0, 2 * np.pi)
        self._step_m = speed_m_s * timestep_s * np.array([np.cos(angle), np.sin(angle)])
        self._coming: deque[tuple[float, Target]] = deque()
        self._seen_at_s = -np.inf

    def update(self, simulation: ArmSimulation) -> tuple[Task, Target]:
        """Move the reference by one timestep, and make the target anew when it is time to."""
        time_s, workspace = simulation.time_s, simulation.workspace
        place = simulation.data.mocap_pos[self._index]
        in_plane = workspace.to_plane(place)
        outwards = self._step_m * in_plane > 0
        self._step_m[(np.abs(in_plane) > self._BORDER_UNITS) & outwards] *= -1.0
        place[:2] += self._step_m
        self._task = make_task(self._task.concept, simulation)
        if time_s - self._seen_at_s >= self.SCENE_PERIOD_S - 1e-9:
            self._seen_at_s = time_s
            self._coming.append((time_s + self.TARGET_DELAY_S, self._make(self._task)))
        while self._coming and self._coming[0][0] <= time_s + 1e-9:
            self.target = self._coming.popleft()[1]
        return self._task, self.target
