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

    def __init__(
        self, directory: Path, kind: str, arm: ArmConfig, step_s: float, seen: float
    ) -> None:
        """Take what the first layer is given of z: `seen` times it.

        Raise ConfigError where the directory's model is missing, damaged, or of another arm.
        """
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
        weights = {
            name.removeprefix('network.'): value.astype(float) for name, value in weights.items()
        }
        n = len(arm.joints)
        # The network was given the velocities first.
        order = np.roll(np.arange(2 * n), n)
        low, high = weights['low'], weights['high']
        self.bounds = tuple(np.roll(each, n) for each in (low, high))
        self.reach = np.float32(model['reach'])
        self.ordinary = float(weights.get('ordinary', 0.0))
        # z = (s′ − s) of + s about + offset, in the order of the arm, by the frame of the network.
        frame = np.linalg.inv(weights['frame.scale']).T
        about = (np.eye(2 * n) - weights['frame.linear']).T @ frame
        to_z = np.concatenate((about[order], frame[order]))
        self._to_z = to_z.astype('f4'), (-weights['frame.offset'] @ frame).astype('f4')
        # The first layer sees s and s′ scaled to [−1, 1] and z in loose directions: of s, s′ − s
        # and z it is as linear.
        first, bias = weights['net.0.weight'].T, weights['net.0.bias']
        of_state, of_next, of_z = np.split(first, (2 * n, 4 * n))
        of_state, of_next = (2 / (high - low)[:, None] * each for each in (of_state, of_next))
        middle = (low + high) / 2
        bias = bias - middle @ (of_state + of_next)
        self._from_pair = np.concatenate(((of_state + of_next)[order], of_next[order])).astype('f4')
        self._from_z = (seen * weights['frame.loose'][:, None] * of_z).astype('f4')
        self._layers = [(weights[f'net.{i}.weight'].T, weights[f'net.{i}.bias']) for i in (2, 4, 6)]
        self._bias = bias.astype('f4')
        self._layers = [tuple(each.astype('f4') for each in layer) for layer in self._layers]

    def __call__(self, states: np.ndarray, nexts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the last layer (M, outputs) of states and nexts (M, 2n), and what of z is unseen.

        z is seen within the reach; (M, 2n) is how far it is beyond.
        """
        # The change is small beside the states, and is taken before they lose digits.
        pair = np.concatenate((states, nexts - states), -1).astype('f4')
        matrix, offset = self._to_z
        deviation = pair @ matrix + offset
        seen = np.clip(deviation, -self.reach, self.reach)
        values = pair @ self._from_pair
        values += seen @ self._from_z
        values += self._bias
        for weight, bias in self._layers:
            # x / (1 + exp(−x)), without an array for each operation.
            gate = np.negative(values)
            np.exp(gate, out=gate)
            gate += 1
            values /= gate
            values = values @ weight
            values += bias
        return values, deviation - seen


class ArmEnergy(TransitionNetwork):
    """E(s, s') of an arm's states: angles rad, then velocities rad/s."""

    def __init__(self, directory: Path, arm: ArmConfig, step_s: float) -> None:
        super().__init__(directory, 'energy', arm, step_s, seen=0.5)

    def excess(self, states: np.ndarray, nexts: np.ndarray) -> np.ndarray:
        """Return how far E is above what is ordinary, (...), of states (..., 2n); 0 below it."""
        shape, size = states.shape[:-1], states.shape[-1]
        energy, unseen = self(states.reshape(-1, size), nexts.reshape(-1, size))
        energy = energy[:, 0] + np.square(unseen).sum(-1)
        return np.maximum(energy - self.ordinary, 0.0).reshape(shape)


class ArmInverse(TransitionNetwork):
    """The torque that leads from a state to the next."""

    def __init__(self, directory: Path, arm: ArmConfig, step_s: float) -> None:
        super().__init__(directory, 'inverse', arm, step_s, seen=1.0)
        self._limits_nm = arm.effort_limits_nm

    def effort_nm(self, states: np.ndarray, nexts: np.ndarray) -> np.ndarray:
        """Return (M, n) N·m of states (M, 2n), which may lie beyond the limits."""
        return self(states, nexts)[0].astype(float) * self._limits_nm


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
