# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pictures of a run: the arm, the entities and the energy on the table, in 3-D."""

from __future__ import annotations

import itertools
from types import TracebackType

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.scene_model import scene_spec
from ebm_concept_ros.arm.table_scene import TableScene
from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.report.heat_map import heat_map
from ebm_concept_ros.workspace import Workspace

_VIEW_HEIGHT_M = 0.63
_GOAL_RGBA = (0.1, 0.9, 0.25, 1.0)
_TRAIL_RGBA = (0.05, 0.05, 0.05, 1.0)


def dress(spec: mujoco.MjSpec, size: tuple[int, int], smooth: bool) -> None:
    """Add what only pictures need: light, a bright sky, and a buffer of (width, height) pixels."""
    spec.visual.global_.offwidth, spec.visual.global_.offheight = size
    spec.visual.headlight.ambient = [0.35, 0.35, 0.35]
    spec.visual.headlight.diffuse = [0.35, 0.35, 0.35]
    spec.visual.headlight.specular = [0.1, 0.1, 0.1]
    # In software, smooth edges cost more than everything else together.
    spec.visual.quality.offsamples = 4 if smooth else 0
    spec.add_texture(
        name='sky',
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.93, 0.95, 0.97],
        rgb2=[0.62, 0.67, 0.73],
        width=32,
        height=32 * 6,
    )
    # No shadows: they hide what is on the table, and cost as much as all the rest.
    light = spec.worldbody.add_light(pos=[0.2, -0.9, 1.8], dir=[0.15, 0.45, -0.9])
    light.castshadow = False
    light.diffuse, light.specular = [0.5, 0.5, 0.5], [0.1, 0.1, 0.1]


class SceneRenderer:
    """Draws joint positions of one scene. Use as a context manager, in one thread."""

    def __init__(
        self,
        arm: ArmConfig,
        workspace: Workspace,
        table_scene: TableScene,
        field: EnergyField | None,
        goal_in_base_m: np.ndarray | None,
        size: tuple[int, int],
        smooth: bool = True,
    ) -> None:
        self._workspace = workspace
        self._goal = None if goal_in_base_m is None else np.asarray(goal_in_base_m, float)[:2]
        self._field = field
        width, height = size
        spec = scene_spec(arm, workspace, table_scene, 0.002)
        self._dress(spec, width, height, smooth)
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        self._site = self.model.site(arm.effector_site).id
        self._camera = mujoco.MjvCamera()
        x, y = workspace.centre_in_base_m
        table, extra = workspace.table_height_in_base_m, self._taller_than_the_view(arm)
        self._camera.lookat[:] = x - 0.08, y, table + 0.16 + 0.5 * extra
        self._camera.azimuth, self._camera.elevation = 150.0, -42.0
        self._camera.distance = 1.45 + 2.0 * extra
        self._renderer = mujoco.Renderer(self.model, height, width)

    def __enter__(self) -> SceneRenderer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._renderer.close()

    def effector_in_base_m(self, positions_rad: np.ndarray) -> np.ndarray:
        """Return (3,) m for joint positions (n,) rad."""
        self.data.qpos[:] = positions_rad
        mujoco.mj_kinematics(self.model, self.data)
        return self.data.site_xpos[self._site].copy()

    def draw(self, positions_rad: np.ndarray, trail_in_base_m: np.ndarray) -> np.ndarray:
        """Return (height, width, 3) uint8: the arm at (n,) rad, its path so far (M, 3) m."""
        self.data.qpos[:] = positions_rad
        mujoco.mj_forward(self.model, self.data)
        self._renderer.update_scene(self.data, self._camera)
        if self._goal is not None:
            self._add_goal()
        self._add_plumb_line()
        for start, end in itertools.pairwise(trail_in_base_m):
            self._add_segment(start, end, 0.0025, _TRAIL_RGBA)
        return self._renderer.render()

    def _taller_than_the_view(self, arm: ArmConfig) -> float:
        """Return by how much the arm at home stands out of the usual view, m."""
        self.data.qpos[:] = arm.home_rad
        mujoco.mj_kinematics(self.model, self.data)
        top = float(self.data.xpos[:, 2].max()) - self._workspace.table_height_in_base_m
        return max(0.0, top - _VIEW_HEIGHT_M)

    def _dress(self, spec: mujoco.MjSpec, width: int, height: int, smooth: bool) -> None:
        """Add what only pictures need, and the energy on the table."""
        dress(spec, (width, height), smooth)
        if self._field is None:
            return
        image = heat_map(self._field)
        half = self._field.half_width * self._workspace.metres_per_unit
        texture = spec.add_texture(
            name='energy',
            type=mujoco.mjtTexture.mjTEXTURE_2D,
            width=image.shape[1],
            height=image.shape[0],
            nchannel=3,
        )
        texture.data = np.ascontiguousarray(image).tobytes()
        material = spec.add_material(name='energy', specular=0.0, reflectance=0.0)
        material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = 'energy'
        material.texrepeat = [1, 1]
        x, y = self._workspace.centre_in_base_m
        spec.worldbody.add_geom(
            type=mujoco.mjtGeom.mjGEOM_PLANE,
            size=[half, half, 0.01],
            pos=[x, y, self._workspace.table_height_in_base_m + 0.0015],
            material='energy',
            contype=0,
            conaffinity=0,
        )

    def _add_goal(self) -> None:
        """Mark the goal: a cross on the table, and a pin that shows when something covers it."""
        top = self._workspace.table_height_in_base_m + 0.004
        for angle in (np.pi / 4, 3 * np.pi / 4):
            reach = 0.022 * np.array([np.cos(angle), np.sin(angle)])
            self._add_segment(
                [*(self._goal - reach), top], [*(self._goal + reach), top], 0.004, _GOAL_RGBA
            )
        self._add_segment([*self._goal, top], [*self._goal, top + 0.07], 0.0025, _GOAL_RGBA)

    def _add_plumb_line(self) -> None:
        """Show where in the plane the effector is: a thin line from it to the table."""
        point = self.data.site_xpos[self._site]
        foot = [point[0], point[1], self._workspace.table_height_in_base_m + 0.002]
        self._add_segment(point, foot, 0.0018, _TRAIL_RGBA)

    def _add_segment(
        self, start: np.ndarray, end: np.ndarray, radius_m: float, rgba: tuple[float, ...]
    ) -> None:
        scene = self._renderer.scene
        if scene.ngeom >= scene.maxgeom:
            return
        geom = scene.geoms[scene.ngeom]
        kind = mujoco.mjtGeom.mjGEOM_CAPSULE
        mujoco.mjv_initGeom(
            geom, kind, np.zeros(3), np.zeros(3), np.eye(3).ravel(), np.array(rgba, np.float32)
        )
        mujoco.mjv_connector(geom, kind, radius_m, np.asarray(start, float), np.asarray(end, float))
        scene.ngeom += 1
