# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The table of the paper, each score with start, goal, cap, optimum and the share reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from .energy import ActionModel, InverseDynamics, PairEnergy, TransitionNetwork
from .episodes import Episodes, Planner, Receding, run_episodes
from .planning import Chain, PlanConfig
from .points import STEP, Particle
from .reacher import Reacher
from .routes import Nodes, RouteConfig, Routes
from .seven_joints import SevenJoints
from .worlds import World

OBSTACLE = (0.1, 0.1, 0.5, 0.5)  # which no transition of the data has met; it touches the goal
LANGEVIN = PlanConfig(method='langevin', horizon=12, iterations=25, energy_weight=0.02)
MPPI = PlanConfig(horizon=8, iterations=10, draws=128, temperature=0.02, energy_weight=0.05)
ACTIONS = PlanConfig(horizon=12, iterations=10, spread=0.5)  # Action FF, tuned
_SHOWN = 4  # numbers of a state in a table
# The slides' scores: pretrained and online, of the energy and of Action FF.
PAPER = {
    'particle': ((-5.14, -6.11), (-20.38, -850.67)),
    'maze': ((-72.07, -65.06), (-162.97, -949.99)),
    'particle, obstacle': ((-61.94, -81.24), (None, None)),
    'reacher': ((-19.38, -25.54), (-29.87, -42.37)),
}


def paper_of(world: World, method: str, online: bool = False) -> float | None:
    """Return the paper's score for a method in a world; None where it has none."""
    known = PAPER.get(world.name.removeprefix('dm_'))
    if known is None or 'no model' in method:
        return None
    return known[online]['FF' in method]


@dataclass(frozen=True)
class Row:
    """What one method scores in one world, an episode per seed.

    Where goals were drawn, `goal` is empty and `seeds` are their numbers.
    """

    method: str
    world: str
    start: tuple[float, ...]
    goal: tuple[float, ...]
    cap: int
    optimum: float | None
    scores: tuple[float, ...]
    reached: tuple[bool, ...]
    seeds: tuple[int, ...]
    paper: float | None = None

    def line(self) -> str:
        """Return the row of a Markdown table."""
        spread = np.std(self.scores, ddof=1) if len(self.scores) > 1 else 0.0
        optimum = '–' if self.optimum is None else f'{self.optimum:.2f}'
        paper = '–' if self.paper is None else f'{self.paper:.2f}'
        start, goal = _text(self.start), _text(self.goal) or f'{len(self.scores)} drawn'
        return (
            f'| {self.world} | {self.method} | {start} → {goal} | {self.cap} | {optimum} | '
            f'{np.mean(self.scores):.2f} ± {spread:.2f} | {sum(self.reached)}/{len(self.scores)} | '
            f'{paper} |'
        )


def _text(place: tuple[float, ...]) -> str:
    """Return the first numbers of a place, or nothing."""
    some = [f'{x:.2f}'.rstrip('0').rstrip('.') for x in place[:_SHOWN]]
    return f'({", ".join(some)}{", …" * (len(place) > _SHOWN)})' if place else ''


HEAD = (
    '| world | method | start → goal | cap | optimum | score | reached | paper |\n'
    '|---|---|---|---|---|---|---|---|'
)


def row(
    method: str,
    world: World,
    found: Mapping[int, Episodes],
    paper: float | None = None,
    cap: int | None = None,
    optimum: float | None = None,
    drawn: bool = False,
) -> Row:
    """Return a row of episodes (one each) by seed, or by the number of a goal that was drawn."""
    return Row(
        method,
        world.name,
        world.start,
        () if drawn else world.goal,
        world.cap if cap is None else cap,
        optimum,
        tuple(float(episode.scores[0]) for episode in found.values()),
        tuple(bool(episode.reached[0]) for episode in found.values()),
        tuple(found),
        paper,
    )


def episode(world: World, planner: Planner, cap: int | None = None) -> Episodes:
    """Return an episode from the world's start to its goal."""
    return run_episodes(world, planner, np.array([world.start]), np.array([world.goal]), cap)


def episodes_to(world: SevenJoints, planner: Planner, goals: np.ndarray) -> dict[int, Episodes]:
    """Return an episode from the world's start to each of goals (N, g), by their numbers."""
    done = run_episodes(world, planner, np.tile(world.start, (len(goals), 1)), goals)
    return {number: Episodes(*(part[[number]] for part in done)) for number in range(len(goals))}


def planned(
    world: World,
    model: TransitionNetwork,
    config: PlanConfig,
    *,
    blind: bool = False,
    inverse: InverseDynamics | None = None,
) -> Receding:
    """Return a planner; blind: without the model, but in its frame; inverse: learned dynamics."""
    chain = Chain(world, model.frame, None if blind else model)
    return Receding(chain, config, inverse and _by_network(inverse))


def routed(
    world: Particle,
    model: PairEnergy | ActionModel | None,
    nodes: Nodes,
    config: RouteConfig | None = None,
) -> Routes:
    """Return a planner over sub-goals; a world's obstacle is an energy that is added.

    model: prices steps, by its excess energy, or by where the action that a step needs leads to
    (Action FF). None: they cost nothing but their length, until they do not happen.
    """
    wall = None if world.obstacle is None else obstacle_energy(world.obstacle)

    def price(states: Tensor, nexts: Tensor) -> Tensor:
        if isinstance(model, PairEnergy):
            cost = model.excess(states, nexts)
        elif model is None:
            cost = torch.zeros(states.shape[:-1])
        else:
            cost = _missed(model, states, nexts)
        return cost if wall is None else cost + wall(states, nexts)

    return Routes(world, price, nodes, config or RouteConfig())


def _missed(model: ActionModel, states: Tensor, nexts: Tensor) -> Tensor:
    """Return how far (...,) Action FF says that a step ends from where it should, dear from ¼ on.

    A tenth of the longest step costs nothing, as does the energy of 99 of 100 transitions.
    """
    actions = (nexts - states) / STEP
    far = (model(states, actions) - nexts).abs().amax(-1) / STEP
    return 20 * (far - 0.1).clamp(min=0)


def drawn_from(states: Tensor, number: int, seed: int) -> Nodes:
    """Return what gives states (number, d) of the data (N, d), the same for every start."""
    chosen = np.random.default_rng(seed).integers(0, len(states), number)
    nodes = states[torch.from_numpy(chosen)].double().numpy()
    return lambda *_: nodes


def obstacle_energy(
    obstacle: tuple[float, float, float, float], height: float = 20.0, soft: float = 0.004
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return an energy of steps whose box comes near a rectangle (left, bottom, right, top)."""
    corner, opposite = torch.tensor(obstacle[:2]), torch.tensor(obstacle[2:])

    def energy(states: Tensor, nexts: Tensor) -> Tensor:
        first, last = torch.minimum(states, nexts), torch.maximum(states, nexts)
        overlap = torch.minimum(last - corner, opposite - first).amin(-1)
        return height * torch.sigmoid(overlap / soft + 2)

    return energy


def reacher_bound(world: World, seed: int = 0) -> float:
    """Return the best score that planning on the true equations finds: a bound from below."""
    draws, rounds, spread = 300, 80, 0.5
    plan = np.zeros((world.cap, world.actions))
    rng, best = np.random.default_rng(seed), -np.inf
    for number in range(rounds):
        noise = rng.standard_normal((draws, *plan.shape)) * spread * (1 - 0.95 * number / rounds)
        noise[::2] = np.repeat(noise[::2, ::5], 5, 1)[:, : len(plan)]
        noise[0] = 0
        actions = (plan + noise).clip(-1, 1)
        scores = np.zeros(draws)
        states, there = np.tile(world.start, (draws, 1)), np.zeros(draws, bool)
        for step in range(world.cap):
            states = world.step(states, actions[:, step])
            far = np.abs(states[:, : len(world.goal)] - world.goal).sum(1)
            scores -= np.where(there, 0, world.unit * far)
            there |= far < world.reach
        best = max(best, scores.max())
        weight = np.exp((scores - scores.max()) / 0.02)
        plan = np.einsum('n,nta->ta', weight / weight.sum(), actions)
    return float(best)


@lru_cache
def optimum_of(world: World) -> float | None:
    """Return the best score from start to goal: exact for points, a bound found for Reacher.

    Of other worlds nobody knows it: None.
    """
    if isinstance(world, Particle):
        return world.optimum(np.array(world.start), np.array(world.goal))
    return reacher_bound(world) if isinstance(world, Reacher) else None


def with_obstacle() -> Particle:
    """Return the Particle's world with an obstacle that the data do not have."""
    return replace(Particle(obstacle=OBSTACLE), name='particle, obstacle')


def _by_network(network: InverseDynamics) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def inverse(states: np.ndarray, nexts: np.ndarray) -> np.ndarray:
        pair = (torch.as_tensor(x, dtype=torch.float32) for x in (states, nexts))
        with torch.no_grad():
            return network(*pair).double().numpy()

    return inverse
