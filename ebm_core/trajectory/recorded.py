# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Transitions that were recorded of something that is no world of here, such as an arm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ..errors import InvalidInput
from .config import RECORDED, PairConfig
from .transitions import Transitions

_NAMES = ('states', 'actions', 'nexts', 'step_s', 'names')


@dataclass(frozen=True)
class Recording:
    """Transitions of step_s each; names: of what the actions drive."""

    transitions: Transitions
    step_s: float
    names: tuple[str, ...]

    def configured(self, config: PairConfig) -> PairConfig:
        """Return the configuration of a network about these transitions: between which states."""
        states = self.transitions.states
        changes = {
            'low': tuple(states.amin(0).tolist()),
            'high': tuple(states.amax(0).tolist()),
            'actions': self.transitions.actions.shape[1],
        }
        return config.model_copy(update=changes)

    def card(self) -> dict:
        """Return what a model's card says of them."""
        number = len(self.transitions.states)
        return {'number': number, 'step_s': self.step_s, 'names': list(self.names)}


def read_recording(path: Path) -> Recording:
    """Read an .npz file of states, actions, nexts, step_s and names; what is wrong is named."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in _NAMES if name in file.files}
    except (OSError, ValueError, BadZipFile) as error:
        raise InvalidInput(f'{path}: cannot be read as .npz ({error})') from None
    missing = [name for name in _NAMES if name not in found]
    if missing:
        raise InvalidInput(f'{path}: {", ".join(missing)}: missing')
    try:
        made = Transitions.of(*(found[name] for name in _NAMES[:3])).moved()
    except InvalidInput as error:
        raise InvalidInput(f'{path}: {error}') from None
    step_s = float(found['step_s'])
    if not 0 < step_s < 10:
        raise InvalidInput(f'{path}: step_s: {step_s} is refused: more than 0 and less than 10')
    names = tuple(str(name) for name in found['names'])
    if len(names) != made.actions.shape[1]:
        raise InvalidInput(
            f'{path}: names: {len(names)} are refused: there are {made.actions.shape[1]} actions'
        )
    return Recording(made, step_s, names)


@dataclass(frozen=True)
class RecordedWorld:
    """What a network asks of a world; nothing can be stepped in it."""

    low: np.ndarray
    high: np.ndarray
    actions: int
    name: str = RECORDED


def recorded_world(config: PairConfig) -> RecordedWorld:
    """Return the world that a configuration says; one without bounds raises InvalidInput."""
    if not config.low or not config.actions:
        raise InvalidInput(f'world: {RECORDED} is refused without transitions of it')
    return RecordedWorld(np.array(config.low), np.array(config.high), config.actions)
