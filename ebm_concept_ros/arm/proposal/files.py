# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A proposal as files: the arm's YAML with what is to be looked up, its workspace, a picture."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import yaml

from ebm_concept_ros.arm.config import JACO, BaseConfig
from ebm_concept_ros.arm.proposal.propose import Proposal


def arm_yaml(proposal: Proposal, directory: Path) -> str:
    """Return the arm's configuration; what the model file does not say is marked ASSUMED.

    directory: where it is to lie, from which its paths begin.
    """
    arm = proposal.arm
    lines = [
        f'# {arm.name}, proposed by `python -m ebm_concept_ros.arm propose`: look it over.',
        '# Limits are those of the model file; ASSUMED: it has none, so look in the data sheet.',
        f'# Carrying the arm takes at most {100 * proposal.carrying_share.max():.0f} % of a '
        "joint's torque over the table.",
        f'name: {_plain(arm.name)}',
        f'model: {_plain(_from(directory, arm.model))}',
    ]
    if arm.package_dirs:
        folders = [_from(directory, folder) for folder in arm.package_dirs]
        lines.append(f'package_dirs: {_plain(folders)}')
    if arm.xacro_arguments:
        lines.append(f'xacro_arguments: {_plain(arm.xacro_arguments)}')
    if arm.base != BaseConfig():
        base = {'position_m': list(arm.base.position_m), 'yaw_rad': arm.base.yaw_rad}
        lines.append(f'base: {_plain(base)}')
    lines.append(f'effector_site: {_plain(arm.effector_site)}')
    if arm.add_site is not None:
        lines.append('# At the far end of the hand, with z out of it.')
        lines.append(f'add_site: {_plain(arm.add_site.model_dump(mode="json"))}')
    lines.append('joints:')
    for joint, share in zip(arm.joints, proposal.carrying_share, strict=True):
        values = joint.model_dump()
        assumed = [
            what
            for what, names in (
                ('effort_limit_nm', proposal.assumed_effort),
                ('velocity_limit_rad_s', proposal.assumed_speed),
            )
            if joint.name in names
        ]
        said = f'carries {100 * share:.0f} %'
        if assumed:
            said += f'; ASSUMED: {", ".join(assumed)}'
        lines.append(f'  - {_plain(values)}  # {said}')
    if arm.held_joints_rad:
        lines.append(f'held_joints_rad: {_plain(arm.held_joints_rad)}')
    if arm.weld_base:
        lines.append('weld_base: true')
    if arm.ignore_contacts:
        lines.append('# Shapes that overlap: of neighbours, or whatever the arm does.')
        lines.append('ignore_contacts:')
        lines += [f'  - {_plain(list(pair))}' for pair in arm.ignore_contacts]
    return '\n'.join(lines) + '\n'


def workspace_yaml(proposal: Proposal) -> str:
    """Return the workspace's configuration."""
    reached = proposal.stand.reached
    return (
        f'# For {proposal.arm.name}, which reaches {proposal.stand.reach_m:.2f} m: '
        f'{reached.sum()} of {len(reached)} places of its square, hand down.\n'
        + yaml.safe_dump(
            proposal.stand.workspace.model_dump(mode='json'), sort_keys=False, width=100
        )
    )


def write_picture(proposal: Proposal, path: Path) -> None:
    """Draw the arm at home as lines from the side and from above, and what it reaches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    from ebm_concept_ros.arm.model import compile_arm
    from ebm_concept_ros.arm.proposal.kinematics import HandDown

    hand = HandDown(compile_arm(proposal.arm), proposal.arm.effector_site)
    place, _ = hand.place(proposal.stand.home_rad)
    line = np.array([hand.data.xanchor[0] * (1, 1, 0), *hand.data.xanchor, place])
    stand, workspace = proposal.stand, proposal.stand.workspace
    figure = Figure(figsize=(10, 5), layout='constrained')
    FigureCanvasAgg(figure)
    for axes, second, title in zip(
        figure.subplots(1, 2), (2, 1), ('from the side', 'from above'), strict=True
    ):
        axes.set_title(f'{proposal.arm.name} at home, {title}')
        axes.plot(line[:, 0], line[:, second], 'o-', color='0.35', linewidth=4, label='joints')
        axes.plot(place[0], place[second], 's', color='tab:blue', label='effector')
        for reached, colour in ((True, 'tab:green'), (False, 'tab:red')):
            places = stand.places_m[stand.reached == reached]
            label = 'reached, hand down' if reached else 'not reached'
            axes.plot(places[:, 0], places[:, second], '.', color=colour, label=label)
        axes.set_aspect('equal')
        axes.set_xlabel('x, m')
        axes.set_ylabel('z, m' if second == 2 else 'y, m')
        if second == 2:
            axes.axhline(workspace.table_height_in_base_m, color='0.8', zorder=0)
        else:
            low, high = workspace.to_base(workspace.half_width_units * np.array([[-1, -1], [1, 1]]))
            axes.add_patch(Rectangle(low, *(high - low), fill=False, color='0.6'))
            axes.legend(fontsize='small')
    figure.savefig(path, dpi=100)


def _from(directory: Path, path: str) -> str:
    return path if path == JACO else os.path.relpath(path, directory.resolve())


def _plain(value: object) -> str:
    """Return a value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
    return text.removesuffix('\n').removesuffix('\n...').strip()
