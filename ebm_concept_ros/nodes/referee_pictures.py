# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The referee's picture and video, from what was heard on the topics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions
from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.table_scene import TableEntity, TableScene
from ebm_concept_ros.control.target import make_target
from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.oracle.true_goal import nearest_colours
from ebm_concept_ros.package_files import load_weights
from ebm_concept_ros.report.recorder import RunRecorder
from ebm_concept_ros.report.run_report import RunFiles, render_run
from ebm_concept_ros.types import NamedScene
from ebm_concept_ros.workspace import Workspace
from ebm_core.world.scene import SHAPES


def draw_run(
    out_dir: Path,
    name: str,
    arm: ArmConfig,
    workspace: Workspace,
    scene: NamedScene,
    concept: ros.Concept | None,
    model_dir: str,
    record: RunRecorder,
    goal_in_base_m: np.ndarray | None,
    caption: str,
    is_cancelled: Callable[[], bool],
    niceness: int,
) -> RunFiles:
    """Draw the run; the heat-map is the learned energy of the concept in the scene, if one came.

    A concept that has no energy here (of other weights, say) is left out, and `problem` says so.
    """
    field, problem = None, ''
    if concept is not None:
        try:
            field = _field(concept, scene, workspace, model_dir)
        except Exception as error:  # from codes that anybody may send
            problem = f'no energy on the table: {error}'
    files = render_run(
        out_dir,
        name,
        arm,
        workspace,
        table_scene(scene, workspace),
        record,
        field,
        goal_in_base_m,
        caption,
        is_cancelled,
        niceness,
    )
    return replace(files, problem='; '.join(filter(None, (files.problem, problem))))


def table_scene(named: NamedScene, workspace: Workspace) -> TableScene:
    """Return the still entities of a scene as objects on the table."""
    scene = named.scene
    positions = workspace.to_base(scene.positions)
    colours = nearest_colours(scene)
    sizes = [
        _size(*pair)
        for pair in (np.zeros((len(scene), 2)) if named.sizes_m is None else named.sizes_m)
    ]
    return TableScene(
        entities=tuple(
            TableEntity(
                id=named.ids[i],
                position_in_base_m=tuple(positions[i].tolist()),
                colour=str(colours[i]),
                shape=SHAPES[scene.shapes[i]],
                **sizes[i],
            )
            for i in np.flatnonzero(~scene.movable)
        )
    )


def _size(radius_m: float, height_m: float) -> dict[str, float]:
    """Return what is known of an entity's size, within what can be drawn."""
    known = {}
    if radius_m > 0.0:
        known['radius_m'] = float(np.clip(radius_m, 0.005, 0.1))
    if height_m > 0.0:
        known['height_m'] = float(np.clip(height_m, 0.002, 0.3))
    return known


def _field(
    message: ros.Concept, scene: NamedScene, workspace: Workspace, model_dir: str
) -> EnergyField:
    model = load_weights(model_dir)
    codes = conversions.concept_from_message(message, model.sha256, model.code_size)
    return make_target(model, codes, scene, workspace).field
