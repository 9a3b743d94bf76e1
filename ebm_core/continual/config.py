# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Configuration of a stream of tasks and of what learns from it, and the presets."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..config import Config, changed_parts
from ..errors import InvalidInput

Scenario = Literal['class', 'task', 'domain']
Boundaries = Literal['aware', 'free']


class StreamConfig(Config):
    """How the images of two classes at a time are shown."""

    scenario: Scenario = Field(
        'class',
        description='what is to be told: which of all classes; which of the two of a task that is '
        'named; or which of the two, first or second, of a task that is not',
    )
    boundaries: Boundaries = Field(
        'aware', description='whether tasks end at a step, or fade into each other'
    )
    tasks: int = Field(5, ge=1, description='of two classes each')
    batch: int = Field(128, ge=2, description='images per step')
    passes: int = Field(4, ge=1, description='over the images of a task')
    steps: int | None = Field(None, ge=1, description='per task, in place of the passes')
    padding: int = Field(2, ge=0, description='black pixels added on each side')
    fading: float = Field(
        0.5,
        gt=0,
        le=1,
        description='of free ones: overlap of two tasks, in lengths of one',
    )
    read_at: float = Field(
        1.0, gt=0, le=1, description='the share of the stream after which it ends'
    )
    seed: int = Field(0, ge=0, description='of everything random')


class LearnerConfig(Config):
    """What learns; each method has its own of these values."""

    hidden: int = Field(400, ge=2, description='units per hidden layer')
    layers: int = Field(1, ge=1, le=2, description="hidden layers of Li et al.'s energy")
    learning_rate: float = Field(1e-3, gt=0, le=0.1, description='of Adam')
    shared: float = Field(
        0.0, ge=0, le=1, description='of the energy: share of the units that all labels use'
    )
    l2: float = Field(100.0, ge=0, description='weight of L2')
    mas: float = Field(1.0, ge=0, description='weight of MAS')
    level: float = Field(
        0.0, ge=0, description="of Li et al.'s energy: weight of right labels' squared energies"
    )
    ewc: float = Field(100.0, ge=0, description='weight of EWC')
    online_ewc: float = Field(700.0, ge=0, description='weight of online EWC')
    si: float = Field(1.0, ge=0, description='weight of SI')
    fisher_images: int = Field(200, ge=1, description='images of a task that EWC looks at')
    latent: int = Field(20, ge=1, description="dimensions of the VAE's code")


class ContinualPreset(Config):
    """What `--preset` names."""

    stream: StreamConfig = StreamConfig()
    learner: LearnerConfig = LearnerConfig()


_LI_RATE = 1e-4
PRESETS = {
    'hsu': ContinualPreset(),
    'li_aware': ContinualPreset(
        stream=StreamConfig(steps=2000, padding=0), learner=LearnerConfig(learning_rate=_LI_RATE)
    ),
    # Their code: ten passes over the smallest task, and a second layer.
    'li_free': ContinualPreset(
        stream=StreamConfig(steps=870, padding=0, boundaries='free'),
        learner=LearnerConfig(learning_rate=_LI_RATE, layers=2),
    ),
    'digits': ContinualPreset(stream=StreamConfig(passes=20, batch=64, padding=0)),
}


def preset(name: str, **changes: object) -> ContinualPreset:
    """Return a preset with some values of stream or learner changed; errors name key and value."""
    if name not in PRESETS:
        raise InvalidInput(f'preset: {name!r} is unknown; known are {", ".join(PRESETS)}')
    return changed_parts(PRESETS[name], changes)
