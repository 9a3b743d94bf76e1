# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Transitions of a world, what is refused of them, and the linear frame that energies see."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import InvalidInput


class Transitions(NamedTuple):
    """States (N, d), actions (N, a) and next states (N, d), float32."""

    states: Tensor
    actions: Tensor
    nexts: Tensor

    @classmethod
    def of(cls, states: np.ndarray, actions: np.ndarray, nexts: np.ndarray) -> Self:
        """Return transitions of arrays; sizes that differ, or what is not finite, are refused."""
        made = cls(*(torch.as_tensor(np.asarray(x), dtype=torch.float32) for x in
                     (states, actions, nexts)))  # fmt: skip
        for name, value in zip(cls._fields, made, strict=True):
            if value.ndim != 2 or len(value) != len(made.states):
                raise InvalidInput(
                    f'{name}: shape {tuple(value.shape)} is refused: {len(made.states)} rows'
                )
            if not torch.isfinite(value).all():
                raise InvalidInput(f'{name}: NaN or infinity is refused')
        if made.states.shape != made.nexts.shape:
            raise InvalidInput(
                f'nexts: {made.nexts.shape[1]} numbers a state are refused: '
                f'states have {made.states.shape[1]}'
            )
        return made

    def moved(self) -> Self:
        """Return those that changed the state at all; fewer than two different ones are refused."""
        kept = (self.states != self.nexts).any(1)
        if len(torch.unique(self.states[kept], dim=0)) < 2:
            raise InvalidInput('transitions: at least two different states that moved are needed')
        return type(self)(*(value[kept] for value in self))


def _near_one(inputs: Tensor, nexts: Tensor, weights: Tensor) -> Tensor:
    """Return A and b (d + 1, d) by least squares; weights (d,) hold the columns of A near 1."""
    size = nexts.shape[1]
    one = torch.eye(size, size + 1, dtype=inputs.dtype)
    columns = []
    for output, weight in enumerate(weights):
        rows = torch.cat((inputs, weight * one))
        values = torch.cat((nexts[:, output], weight * one[output, :size]))
        columns.append(torch.linalg.lstsq(rows, values[:, None], driver='gelsd').solution)
    return torch.cat(columns, 1)


class Frame(nn.Module):
    """Deviations z of a next state from what is linearly predicted, of unit covariance.

    s' = A s + b + L z. A step of the world is about 1 in every direction of z, however stiff the
    dynamics: of an arm, whose positions follow its velocities, as of a point. loose: directions in
    which anything is left to be told; in the others a step follows from the rest. least: of L, for
    positions that follow velocities.
    """

    def __init__(self, size: int, least: float = 1e-5) -> None:
        super().__init__()
        self.least = least
        self.register_buffer('linear', torch.eye(size))
        self.register_buffer('offset', torch.zeros(size))
        self.register_buffer('scale', torch.eye(size))
        self.register_buffer('loose', torch.ones(size, dtype=torch.bool))

    def fit(self, transitions: Transitions, drift: float | None = None) -> None:
        """Fit A, b and L by least squares.

        drift: how far A is from 1 before anything is known, as a standard deviation. A few
        transitions from one place tell little of A, and what is taken for it grows with the
        distance from there: chains of states drift away.
        """
        states, nexts = transitions.states.double(), transitions.nexts.double()
        inputs = torch.cat((states, torch.ones(len(states), 1, dtype=torch.float64)), 1)
        solution = torch.linalg.lstsq(inputs, nexts, driver='gelsd').solution
        rest = nexts - inputs @ solution
        if drift is not None:
            solution = _near_one(inputs, nexts, rest.std(0) / drift)
            rest = nexts - inputs @ solution
        covariance = rest.T @ rest / len(rest) + self.least**2 * torch.eye(states.shape[1])
        self.linear.copy_(solution[:-1].T)
        self.offset.copy_(solution[-1])
        self.scale.copy_(torch.linalg.cholesky(covariance))
        size = self.deviation(transitions.states, transitions.nexts).square().mean(0)
        self.loose.copy_(size > 0.1)

    def predict(self, states: Tensor) -> Tensor:
        """Return A s + b for states (..., d)."""
        return states @ self.linear.T + self.offset

    def apply_deviation(self, states: Tensor, deviation: Tensor) -> Tensor:
        """Return the next states (..., d)."""
        return self.predict(states) + deviation @ self.scale.T

    def deviation(self, states: Tensor, nexts: Tensor) -> Tensor:
        """Return z (..., d)."""
        rest = nexts - self.predict(states)
        return torch.linalg.solve_triangular(self.scale, rest.reshape(-1, rest.shape[-1]).T,
                                             upper=False).T.reshape(rest.shape)  # fmt: skip
