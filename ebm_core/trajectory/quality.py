# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the energy knows of a world, and what it says comes next: numbers without a plan."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from .energy import ActionModel, PairEnergy
from .points import Maze
from .worlds import World


def auroc(low: np.ndarray, high: np.ndarray) -> float:
    """Return the share of pairs of values (N,), (M,) that are in this order (no ties)."""
    ranks = np.concatenate((low, high)).argsort().argsort()[: len(low)] + 1
    return 1 - float(ranks.sum() - len(low) * (len(low) + 1) / 2) / (len(low) * len(high))


@torch.no_grad()
def quality(energy: PairEnergy, world: World, seed: int, number: int = 4000) -> dict[str, float]:
    """Return the AUROC of transitions against ones that cannot be.

    too_long: with 1.2 to 2 times the greatest action; walls (of a Maze): a step's length from a
    free place into a wall.
    """
    rng = np.random.default_rng(seed)
    data = world.transitions(number, rng)
    states = data.states.double().numpy()
    action = data.actions.double().numpy()
    action /= np.abs(action).max(1, keepdims=True)
    rest = world.step(states, 0 * action)
    change = world.step(states, action) - rest
    moved = np.abs(change).max(1) > 0
    far = rest + rng.uniform(1.2, 2, (number, 1)) * change
    fits = moved & world.allowed(far)
    real = _energies(energy, *(x.numpy() for x in data.moved()[::2]))
    found = {'too_long': auroc(real, _energies(energy, states[fits], far[fits]))}
    if isinstance(world, Maze):
        asked = states + 0.05 * data.actions.double().numpy()
        inside = ((asked > world.low + 0.01) & (asked < world.high - 0.01)).all(1)
        wall = ~world.allowed(asked) & inside
        found['walls'] = auroc(real, _energies(energy, states[wall], asked[wall]))
    return found


def _energies(energy: PairEnergy, states: np.ndarray, nexts: np.ndarray) -> np.ndarray:
    return energy(*(torch.as_tensor(x, dtype=torch.float32) for x in (states, nexts))).numpy()


class Futures(NamedTuple):
    """Trajectories (N, T + 1, d), the spread of their ends, and the share of steps that can be."""

    states: np.ndarray
    spread: float
    possible: float


@torch.no_grad()
def futures(
    model: PairEnergy | ActionModel | None,
    world: World,
    start: np.ndarray,
    steps: int,
    number: int,
    seed: int,
    candidates: int = 256,
) -> Futures:
    """Return trajectories from a start (d,): of an energy, of a mean predictor, or of the world.

    From an energy the next state is one of some candidates, drawn by exp(−E). A mean predictor is a
    network that sees the state alone (its action is 0). None: random actions in the world itself.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    states = [np.tile(np.asarray(start, float), (number, 1))]
    for _ in range(steps):
        before = torch.as_tensor(states[-1], dtype=torch.float32)
        if isinstance(model, PairEnergy):
            shape = (number, candidates, before.shape[1])
            about = before[:, None].expand(shape)
            deviation = model.config.reach * (2 * torch.rand(shape) - 1)
            nexts = model.frame.apply_deviation(about, deviation)
            taken = torch.distributions.Categorical(logits=-model(about, nexts)).sample()
            states.append(nexts[torch.arange(number), taken].double().numpy())
        elif model is not None:
            after = model(before, torch.zeros(number, world.actions))
            states.append(after.double().numpy())
        else:
            states.append(world.step(states[-1], rng.uniform(-1, 1, (number, world.actions))))
    path = np.stack(states, 1)
    before, after = (
        path[:, :-1].reshape(-1, path.shape[-1]),
        path[:, 1:].reshape(-1, path.shape[-1]),
    )
    again = world.step(before, world.inverse(before, after))
    possible = (np.abs(again - after).max(1) < 0.1 * 0.05).mean()
    return Futures(path, float(path[:, -1].std(0).mean()), float(possible))
