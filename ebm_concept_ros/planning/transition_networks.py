# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Networks about an arm's transitions, computed by NumPy beside a control loop.

They are trained by `ebm_core.trajectory`, whose `energy.py` says what they compute. A planner does
not know torch; a test compares both.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.config_files import ConfigError

_ROUNDING_S = 1e-9


class TransitionNetwork:
    """The layers of a network, and the linear frame in which it sees a transition."""

    def __init__(self, directory: Path, kind: str, arm: ArmConfig, step_s: float) -> None:
        """Raise ConfigError where the directory's model is missing, damaged, or of another arm."""
        card, weights = _read(directory)
        model, recorded = card.get('model', {}), card.get('transitions', {})
        for name, found, wanted in (
            ('kind', model.get('kind'), kind),
            ('octaves', model.get('octaves'), 0),
            ('names', recorded.get('names'), list(arm.joint_names)),
        ):
            if found != wanted:
                raise ConfigError(f'{directory}: {name}: {found!r} refused, {wanted!r} is needed')
        trained_s = float(recorded.get('step_s', 0.0))
        if abs(trained_s - step_s) > _ROUNDING_S:
            raise ConfigError(
                f'{directory}: step_s: {trained_s:g} refused, plans have steps of {step_s:g} s'
            )
        weights = {name.removeprefix('network.'): value for name, value in weights.items()}
        self._layers = [
            (weights[f'net.{i}.weight'].T.copy(), weights[f'net.{i}.bias']) for i in (0, 2, 4, 6)
        ]
        self._linear, self._offset = weights['frame.linear'].T.copy(), weights['frame.offset']
        self._inverse_scale = np.linalg.inv(weights['frame.scale'].astype(float)).T.astype('f4')
        self._loose = weights['frame.loose'].astype('f4')
        self._low, self._size = weights['low'], weights['high'] - weights['low']
        n = len(arm.joints)
        bounds = (np.roll(weights[name], n) for name in ('low', 'high'))
        self.bounds = tuple(each.astype(float) for each in bounds)
        self.reach = np.float32(model['reach'])
        self.ordinary = float(weights.get('ordinary', 0.0))

    def pair(self, states: np.ndarray, nexts: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return states and next states (..., 2n) as the network has them, and deviations z.

        It has the velocities first, in float32.
        """
        n = states.shape[-1] // 2
        states, nexts = (np.roll(x, n, -1).astype(np.float32) for x in (states, nexts))
        rest = nexts - states @ self._linear - self._offset
        return states, nexts, rest @ self._inverse_scale

    def __call__(self, states: np.ndarray, nexts: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return the last layer (..., outputs); seen: what of z is shown (..., 2n)."""
        scaled = [2 * (each - self._low) / self._size - 1 for each in (states, nexts)]
        values = np.concatenate((*scaled, seen * self._loose), -1)
        for index, (weight, bias) in enumerate(self._layers):
            values = values @ weight + bias
            if index < len(self._layers) - 1:
                values = values / (1 + np.exp(-values))
        return values


class ArmEnergy(TransitionNetwork):
    """E(s, s') of an arm's states: angles rad, then velocities rad/s."""

    def __init__(self, directory: Path, arm: ArmConfig, step_s: float) -> None:
        super().__init__(directory, 'energy', arm, step_s)

    def excess(self, states: np.ndarray, nexts: np.ndarray) -> np.ndarray:
        """Return how far E is above what is ordinary, (...), of states (..., 2n); 0 below it."""
        states, nexts, deviation = self.pair(states, nexts)
        seen = np.clip(deviation, -self.reach, self.reach)
        energy = self(states, nexts, seen / 2)[..., 0]
        energy = energy + np.square(deviation - seen).sum(-1)
        return np.maximum(energy - self.ordinary, 0.0)


class ArmInverse(TransitionNetwork):
    """The torque that leads from a state to the next."""

    def __init__(self, directory: Path, arm: ArmConfig, step_s: float) -> None:
        super().__init__(directory, 'inverse', arm, step_s)
        self._limits_nm = arm.effort_limits_nm

    def effort_nm(self, states: np.ndarray, nexts: np.ndarray) -> np.ndarray:
        """Return (..., n) N·m, which may lie beyond the limits."""
        states, nexts, deviation = self.pair(states, nexts)
        seen = np.clip(deviation, -self.reach, self.reach)
        return self(states, nexts, seen).astype(float) * self._limits_nm


def _read(directory: Path) -> tuple[dict, dict[str, np.ndarray]]:
    card_file, weights = directory / 'model.json', directory / 'model.safetensors'
    try:
        card, data = json.loads(card_file.read_text(encoding='utf-8')), weights.read_bytes()
    except OSError as error:
        raise ConfigError(f'{error.filename}: {error.strerror}') from None
    except ValueError as error:
        raise ConfigError(f'{card_file}: not JSON ({error})') from None
    if not isinstance(card, dict) or card.get('sha256') != hashlib.sha256(data).hexdigest():
        raise ConfigError(f'{weights}: its SHA-256 is not the one in {card_file}')
    return card, load(data)
