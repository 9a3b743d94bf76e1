# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Configuration of energies over transitions and their training, and the presets."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..config import Config, RunConfig, changed
from ..errors import InvalidInput

Kind = Literal['energy', 'forward', 'inverse']
Source = Literal['noise', 'langevin', 'mppi']
RECORDED = 'recorded'  # the world of transitions that come from a file


class PairConfig(Config):
    """A network about the transitions of a world."""

    world: str = Field('particle', description='whose transitions: see --world')
    kind: Kind = Field('energy', description='E(s, s′); s, a → s′ (Action FF); s, s′ → a')
    hidden: int = Field(128, ge=8, le=1024, description='units of each of the three layers')
    octaves: int = Field(0, ge=0, le=10, description='sines of a state, of wavelengths 4, 2, 1, …')
    reach: float = Field(4.0, gt=0, description='deviations beyond which E is a parabola')
    least: float = Field(1e-5, gt=0, description='smallest size of a deviation of 1')
    low: tuple[float, ...] = Field((), description='least states, of recorded transitions')
    high: tuple[float, ...] = Field((), description='greatest states, of recorded transitions')
    actions: int = Field(0, ge=0, description='numbers of an action, of recorded transitions')


class PairTraining(RunConfig):
    """One training run."""

    steps: int = Field(3000, ge=1, description='optimiser steps')
    learning_rate: float = Field(3e-3, gt=0, le=0.1, description='of everything (Adam)')
    gradient_clip: float = Field(10.0, gt=0, description='largest norm of the gradient')
    checkpoint_every: int = Field(1000, ge=1, description='steps between checkpoints')
    transitions: int = Field(100_000, ge=2, description='random transitions of the data set')
    batch: int = Field(64, ge=1, description='transitions per step')
    source: Source = Field('noise', description='of negatives: drawn, or chains as the paper has')
    negatives: int = Field(4, ge=1, le=64, description='drawn per transition')
    anywhere: float = Field(0.5, ge=0, le=1, description='share of drawn ones about any state')
    chain_steps: int = Field(10, ge=1, le=200, description='Langevin or MPPI steps of a chain')
    energy_weight: float = Field(1e-3, ge=0, description='weight of the squared energies')


class PairPreset(Config):
    """What `--preset` names."""

    model: PairConfig = PairConfig()
    training: PairTraining = PairTraining()


# Positions of a real arm follow its velocities but for so much, rad.
_ARM_LEAST = 2e-3
_STEPS = {'particle': 1500, 'maze': 4200, 'maze8': 3000, 'maze32': 3000}


def _presets() -> dict[str, PairPreset]:
    made = {}
    points = {'particle': 0, 'maze': 5, 'maze8': 5, 'maze32': 5}
    worlds = points | {'reacher': 2, 'dm_reacher': 2, 'seven_joints': 0}
    for world, octaves in worlds.items():
        for kind in Kind.__args__:
            name = world if kind == 'energy' else f'{world}_{kind}'
            steps = _STEPS.get(name, 2000)
            made[name] = PairPreset(
                model=PairConfig(world=world, kind=kind, octaves=octaves),
                training=PairTraining(steps=steps),
            )
    for kind, hidden in (('energy', 64), ('forward', 128), ('inverse', 128)):
        made[RECORDED if kind == 'energy' else f'{RECORDED}_{kind}'] = PairPreset(
            model=PairConfig(world=RECORDED, kind=kind, hidden=hidden, least=_ARM_LEAST),
            training=PairTraining(steps=3000, batch=256),
        )
    tiny = PairTraining(steps=300, transitions=5000, batch=64)
    made['tiny'] = PairPreset(model=PairConfig(hidden=32), training=tiny)
    return made


PRESETS = _presets()


def preset(name: str, **changes: object) -> PairPreset:
    """Return a preset with some training values changed; errors name key, value and bounds."""
    if name not in PRESETS:
        raise InvalidInput(f'preset: {name!r} is unknown; known are {", ".join(PRESETS)}')
    base = PRESETS[name]
    return base.model_copy(update={'training': changed(base.training, changes)})
