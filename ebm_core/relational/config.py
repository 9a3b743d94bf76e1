# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Typed, bounded configuration of model and training, and the presets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from ..concepts import FAMILIES, OPEN_FAMILIES, concept_names
from ..concepts.grammar import KINDS
from ..config import Config, RunConfig, changed
from ..errors import InvalidInput
from ..world.scene import MAX_ROLES

Context = Literal['generation', 'identification']


def _known(key: str) -> str:
    if key not in (*FAMILIES, *OPEN_FAMILIES, *concept_names()):
        known = (*FAMILIES, *OPEN_FAMILIES, *concept_names())
        raise ValueError(f'known are {", ".join(known)}')
    return key


def _known_kind(key: str) -> str:
    if key not in KINDS:
        raise ValueError(f'known are {", ".join(KINDS)}')
    return key


_Number = Annotated[int, Field(ge=0, le=4096)]


class ModelConfig(Config):
    """The network's sizes; weights load only into the configuration they were made with."""

    hidden: int = Field(128, ge=8, le=1024, description='units per hidden layer of f and g')
    residuals: int = Field(8, ge=1, le=64, description='R, the length of the residual vector')
    code_size: int = Field(8, ge=1, le=64, description='D, the length of a concept code')
    sampler_steps: int = Field(10, ge=1, le=50, description='K, Langevin steps per chain')
    relational: bool = Field(True, description='sum g over pairs of entities, not entities')
    distances: bool = Field(True, description='whether g sees how far apart two entities are')
    roles: int = Field(0, ge=0, le=MAX_ROLES, description='roles of references that g tells apart')
    displacement: bool = Field(
        False, description='whether a single state is judged with the displacement since x⁰'
    )
    ridge: bool = Field(
        False, description='whether codes are solved for exactly, instead of in K steps'
    )
    maps: bool = Field(
        False, description='whether a code may be a linear map that demonstrations follow exactly'
    )
    relations: bool = Field(
        False,
        description='whether an argument code may be a relation by which some lead all others',
    )
    curves: bool = Field(
        False, description='whether a code may add curves that demonstrations lie on exactly'
    )
    formations: bool = Field(
        False,
        description='whether a code may tell exactly how several movers stand to one another',
    )

    @field_validator('maps')
    @classmethod
    def _sees_where_it_was(cls, maps: bool, info: ValidationInfo) -> bool:
        if maps and not (info.data.get('relational') and info.data.get('displacement')):
            raise ValueError('maps need relational and displacement')
        return maps

    @field_validator('relations', 'curves', 'formations')
    @classmethod
    def _has_maps(cls, is_part: bool, info: ValidationInfo) -> bool:
        if is_part and not info.data.get('maps'):
            raise ValueError(f'{info.field_name} need maps')
        return is_part


class TrainingConfig(RunConfig):
    """One training run (Algorithm 1)."""

    steps: int = Field(6000, ge=1, description='optimiser steps')
    concepts: dict[Annotated[str, AfterValidator(_known)], _Number] = Field(
        default={
            'colour': 14,
            'region': 12,
            'placement': 11,
            'shape': 20,
            'proximity': 8,
            'quantity': 2,
            'temporal': 12,
        },
        description='concepts per step, by family or by name',
    )
    grammar: dict[Annotated[str, AfterValidator(_known_kind)], _Number] = Field(
        default={}, description='concepts per step that the grammar draws, by kind'
    )
    workers: int = Field(
        0,
        ge=0,
        le=64,
        description='processes that draw the concepts of families; 0: none of its own',
    )
    contexts: tuple[Context, ...] = Field(
        ('generation', 'identification'), min_length=1, description='what is trained'
    )
    demonstrations: int = Field(5, ge=1, le=20, description='events that a code is inferred from')
    queries: int = Field(2, ge=1, le=50, description='novel events per concept and context')
    bias_learning_rate: float = Field(3e-3, gt=0, le=0.1, description='of the biases (Adam)')
    sampler_learning_rate: float = Field(
        5e-3, gt=0, le=1, description='the same, of the chains step sizes, which are logarithms'
    )
    kl_weight: float = Field(1.0, ge=0, description='weight of the sampler (KL) loss')
    kl_from: float = Field(
        0.2, ge=0, le=1, description='share of the steps after which the KL loss joins'
    )
    chains_from: float = Field(
        0.0,
        ge=0,
        le=1,
        description='share of the steps after which chains of generation are sampled at all',
    )
    kl_into_energy: bool = Field(
        True, description='whether the KL loss trains the energy too, or the step sizes alone'
    )
    direction_weight: float = Field(
        0.0, ge=0, description='weight of the loss that downhill leads to the demonstrated state'
    )
    positive_weight: float = Field(
        0.1, ge=0, description='weight of the energy of what was brought about, which is to be zero'
    )


class Preset(Config):
    """What `--preset` names."""

    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()


_FEW = {'placement': 4, 'region': 2, 'quantity': 2}
_RECIPE = {'chains_from': 0.4, 'kl_from': 0.4, 'kl_into_energy': False, 'direction_weight': 2.0}
_POSITION = TrainingConfig(steps=1000, concepts={'point': 32}, **_RECIPE)
_SHAPES = TrainingConfig(steps=600, concepts={'shape': 32}, **_RECIPE)


def _ablation(
    training: TrainingConfig, changes: dict[str, object] | None = None, **model: object
) -> Preset:
    return Preset(model=ModelConfig(**model), training=training.model_copy(update=changes or {}))


_OPEN = {
    'residuals': 32,
    'code_size': 32,
    'roles': MAX_ROLES,
    'displacement': True,
    'ridge': True,
}
_PARTS = {'maps': True, 'relations': True, 'curves': True}
_OPEN_FAMILIES = {
    'colour': 4,
    'any_colour': 6,
    'region': 6,
    'placement': 6,
    'shape': 8,
    'formation': 10,
    'proximity': 8,
    'quantity': 4,
    'temporal': 6,
}
_OPEN_KINDS = {
    **dict.fromkeys(KINDS, 16),
    # What takes roles, or where the actor was, takes longest to learn.
    **{'point': 48, 'frame': 40, 'mirror': 32, 'towards': 32, 'ring': 24},
}
_OPEN_SMALL = TrainingConfig(
    steps=6000,
    concepts={name: -(-number // 6) for name, number in _OPEN_FAMILIES.items()},
    grammar={name: -(-number // 16) for name, number in _OPEN_KINDS.items()},
    positive_weight=0.01,
    checkpoint_every=500,
    **_RECIPE,
)

# As many concepts per step as the grammar and the families have together, all of them named.
_LIST = {
    'colour': 6,
    'region': 7,
    'placement': 6,
    'shape': 11,
    'proximity': 4,
    'quantity': 2,
    'temporal': 8,
}


def _small(changes: dict[str, object] | None = None, **model: object) -> Preset:
    return Preset(
        model=ModelConfig(**{'hidden': 64, **_OPEN, **model}),
        training=_OPEN_SMALL.model_copy(update=changes or {}),
    )


PRESETS: dict[str, Preset] = {
    'concepts': Preset(
        model=ModelConfig(residuals=16, code_size=16),
        training=TrainingConfig(steps=4000, positive_weight=0.01, **_RECIPE),
    ),
    # One family, and one concept of another: quick to train, and what tests of the learning use.
    'placement': Preset(
        training=TrainingConfig(steps=6000, concepts={'point': 21, 'placement': 43})
    ),
    # The transfer table: absolute position, learned in one context or in both.
    'position': _ablation(_POSITION),
    'position_generation': _ablation(_POSITION, {'contexts': ('generation',)}),
    'position_identification': _ablation(_POSITION, {'contexts': ('identification',)}),
    # Figures 7 and 8, and what was changed against the paper: shapes.
    'shapes': _ablation(_SHAPES),
    'shapes_one_step': _ablation(_SHAPES, sampler_steps=1),
    'shapes_twenty_steps': _ablation(_SHAPES, sampler_steps=20),
    'shapes_no_relations': _ablation(_SHAPES, relational=False),
    'shapes_no_distances': _ablation(_SHAPES, distances=False),
    'shapes_no_kl': _ablation(_SHAPES, {'kl_weight': 0.0}),
    'shapes_kl_into_energy': _ablation(_SHAPES, {'kl_into_energy': True}),
    'shapes_no_direction': _ablation(_SHAPES, {'direction_weight': 0.0}),
    'shapes_scalar': _ablation(_SHAPES, residuals=1),
    # The continuum: every kind of the grammar, and the families, whose names are points of it.
    # What nothing has to learn, add-maps gives to its weights.
    'open': Preset(
        model=ModelConfig(hidden=256, **_OPEN),
        training=TrainingConfig(
            steps=8000,
            concepts=_OPEN_FAMILIES,
            grammar=_OPEN_KINDS,
            positive_weight=0.01,
            checkpoint_every=2000,
            cuda_graphs=True,
            **_RECIPE,
        ),
    ),
    # The same for a core of a CPU, and what maps are worth in it.
    'open_small': Preset(model=ModelConfig(hidden=64, **_OPEN, **_PARTS), training=_OPEN_SMALL),
    'open_small_no_maps': _small(),
    # What each choice is worth: that one without maps, but for the one thing that a name names.
    'open_small_list': _small({'concepts': _LIST, 'grammar': {}}),
    'open_small_k_steps': _small(ridge=False),
    'open_small_no_roles': _small(roles=0),
    'open_small_no_displacement': _small(displacement=False),
    'tiny_open': Preset(
        model=ModelConfig(hidden=32, **_OPEN | _PARTS | {'residuals': 8, 'code_size': 8}),
        training=TrainingConfig(
            steps=48,
            concepts={'region': 1, 'formation': 1},
            grammar={'point': 2, 'ring': 2, 'towards': 2},
            checkpoint_every=16,
        ),
    ),
    'tiny': Preset(
        model=ModelConfig(hidden=32),
        training=TrainingConfig(steps=60, concepts=_FEW, queries=2, checkpoint_every=20),
    ),
}


def preset(name: str, **changes: object) -> Preset:
    """Return a preset with some training values changed; errors name key, value and bounds."""
    if name not in PRESETS:
        raise InvalidInput(f'preset: {name!r} is unknown; known are {", ".join(PRESETS)}')
    base = PRESETS[name]
    return Preset(model=base.model, training=changed(base.training, changes))
