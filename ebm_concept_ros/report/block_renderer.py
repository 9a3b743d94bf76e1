# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pictures of blocks being moved: what a simulation with a hand looks like now, in 3-D."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

import mujoco
import numpy as np

from ebm_concept_ros.grasping.block_scene import block_scene_spec
from ebm_concept_ros.grasping.simulation import BlockSimulation
from ebm_concept_ros.report.render import dress


@dataclass(frozen=True)
class View:
    """From where the table is seen: as MuJoCo's camera has it, around the table's middle."""

    azimuth_deg: float = 172.0
    elevation_deg: float = -58.0
    distance_m: float = 0.9


class BlockRenderer:
    """Draws one simulation, from in front of the arm and above. Use as a context manager."""

    def __init__(
        self, simulation: BlockSimulation, size: tuple[int, int], view: View | None = None
    ) -> None:
        """size: of the pictures, (width, height) pixels. view: None for all of the table."""
        self._simulation = simulation
        workspace, timestep_s = simulation.workspace, simulation.timestep_s
        spec = block_scene_spec(simulation.live, workspace, simulation.table, timestep_s)
        dress(spec, size, smooth=True)
        self._model = spec.compile()
        self._data = mujoco.MjData(self._model)
        view, (x, y) = view or View(), workspace.centre_in_base_m
        self._camera = mujoco.MjvCamera()
        self._camera.lookat[:] = x - 0.04, y, workspace.table_height_in_base_m + 0.06
        self._camera.azimuth, self._camera.elevation = view.azimuth_deg, view.elevation_deg
        self._camera.distance = view.distance_m
        self._renderer = mujoco.Renderer(self._model, size[1], size[0])

    def __enter__(self) -> BlockRenderer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._renderer.close()

    def draw(self) -> np.ndarray:
        """Return (height, width, 3) uint8."""
        # The same joints in the same order: only sky and lights are more than the simulation's.
        self._data.qpos[:] = self._simulation.data.qpos
        mujoco.mj_forward(self._model, self._data)
        self._renderer.update_scene(self._data, self._camera)
        return self._renderer.render().copy()
