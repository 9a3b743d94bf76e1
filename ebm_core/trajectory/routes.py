# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sub-goals: a search over states whose links are priced by the energy, and a low level on it.

The states are given: drawn from the data, or proposed by a conditional energy. A link is a straight
line of steps, and costs their distances to the goal and their excess energy. The low level takes
the longest step ahead that the energy finds ordinary; a step that did not happen is remembered as
dear, and the search is done again.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from pydantic import Field
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from ..config import Config
from .planning import Extra
from .points import STEP, Particle

_SPACING = 0.001  # of places along a route
_CHOICES = 16  # of them a step ahead, from which the low level takes one
_STEP = 0.98 * STEP  # of links, in the greatest coordinate
_BLOCKED = 50.0  # the energy of a step that did not happen
_DETOUR = 0.1  # between the places of a route that straightening joins


class RouteConfig(Config):
    """How a route is searched for."""

    radius: float = Field(0.15, gt=0, description='longest link, in the greatest coordinate')
    weight: float = Field(5.0, ge=0, description='of the excess energy of a step')
    most: float = Field(10.0, gt=0, description='that the energy of a single step can cost')
    straight: bool = Field(True, description='whether routes are straightened')
    bump: float = Field(0.0125, ge=0, description='around a step that did not happen')
    slack: float = Field(2.0, ge=0, description='excess energy of steps that the low level takes')


class Routes:
    """A planner for worlds of points; `nodes` gives states (N, 2) for a start and a goal (2,)."""

    def __init__(
        self,
        world: Particle,
        price: Extra,
        nodes: Callable[[np.ndarray, np.ndarray], np.ndarray],
        config: RouteConfig,
    ) -> None:
        """price: the excess energy (...,) of states and nexts (..., 2)."""
        self.world, self.price, self.nodes, self.config = world, price, nodes, config
        self.routes: list[np.ndarray | None] = []
        self.blocked: list[list[np.ndarray]] = []
        self.asked: np.ndarray | None = None
        self.searches = 0

    def actions(self, states: np.ndarray, goals: np.ndarray) -> np.ndarray:
        """Return actions (B, 2) towards goals (B, 2)."""
        if self.asked is None:
            self.routes, self.blocked = [None] * len(states), [[] for _ in states]
        else:
            for index in np.flatnonzero(np.abs(self.asked - states).max(1) > 1e-6):
                if self.routes[index] is not None and len(self.routes[index]):
                    self.blocked[index].append(self.asked[index])
                    self.routes[index] = None
        for index, route in enumerate(self.routes):
            if route is None:
                self.routes[index] = self.search(index, states[index], goals[index])
        self.asked = self._ahead(states, goals)
        return self.world.inverse(states, self.asked)

    def search(self, index: int, start: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Return a route's places (M, 2), close to each other, for episode `index`."""
        self.searches += 1
        nodes = np.concatenate(([start, goal], self.nodes(start, goal)))
        route = self._shortest(index, nodes, self._links(nodes), goal, last=1)
        if route is not None and self.config.straight:
            route = _even(route, _DETOUR)
            links = np.stack(np.triu_indices(len(route), 1), 1)
            size = np.abs(route[links[:, 0]] - route[links[:, 1]]).max(1)
            route = self._shortest(index, route, links[size < 1.5], goal, last=len(route) - 1)
        # Without a way the low level heads straight for the goal.
        return _even(np.stack((start, goal)) if route is None else route, _SPACING)

    def _links(self, nodes: np.ndarray) -> np.ndarray:
        return cKDTree(nodes).query_pairs(self.config.radius, p=np.inf, output_type='ndarray')

    def _shortest(
        self, index: int, nodes: np.ndarray, links: np.ndarray, goal: np.ndarray, last: int
    ) -> np.ndarray | None:
        graph = self._graph(index, nodes, links, goal)
        _, previous = dijkstra(graph, indices=0, return_predecessors=True)
        way = _way(previous, 0, last)
        return nodes[way] if len(way) else None

    def _graph(
        self, index: int, nodes: np.ndarray, links: np.ndarray, goal: np.ndarray
    ) -> csr_matrix:
        """Return the costs of links (M, 2), both ways."""
        first, second = nodes[links[:, 0]], nodes[links[:, 1]]
        steps = np.maximum(np.ceil(np.abs(second - first).max(1) / _STEP), 1).astype(int)
        link = np.repeat(np.arange(len(links)), steps)
        number = np.arange(len(link)) - np.repeat(np.cumsum(steps) - steps, steps)
        change = ((second - first) / steps[:, None])[link]
        before = first[link] + number[:, None] * change
        energy = self._energy(index, before, before + change)
        total = np.bincount(link, self.config.weight * energy, len(links))
        far = np.abs((first + second) / 2 - goal).sum(1)
        cost = np.abs(second - first).max(1) / STEP * far + total + 1e-6
        both = np.concatenate((links, links[:, ::-1]))
        return csr_matrix((np.tile(cost, 2), both.T), shape=(len(nodes),) * 2)

    @torch.no_grad()
    def _energy(self, index: int, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Return what steps (M, 2) cost in episode `index`, with what did not happen in it."""
        pair = (torch.as_tensor(x, dtype=torch.float32) for x in (before, after))
        energy = self.price(*pair).double().numpy().clip(0, self.config.most)
        if self.blocked[index]:
            bumps = cKDTree(np.array(self.blocked[index]))
            near = bumps.query(after, p=np.inf)[0] < self.config.bump
            energy = energy + _BLOCKED * near
        return energy

    @torch.no_grad()
    def _ahead(self, states: np.ndarray, goals: np.ndarray) -> np.ndarray:
        """Return the next places (B, 2): as far along the routes as a step leads."""
        most = 2 * int(STEP / _SPACING) + 1
        routes = np.stack([_padded(route, most, goal)
                           for route, goal in zip(self.routes, goals, strict=True)])  # fmt: skip
        within = np.abs(routes - states[:, None]).max(-1) <= STEP
        last = most - 1 - within[:, ::-1].argmax(1)
        choices = np.linspace(last, 0, _CHOICES).round().astype(int).T
        places = np.take_along_axis(routes, choices[..., None], 1)
        before = np.broadcast_to(states[:, None], places.shape)
        pairs = zip(before, places, strict=True)
        energy = np.stack([self._energy(index, *pair) for index, pair in enumerate(pairs)])
        good = energy <= self.config.slack
        # Where nothing is ordinary, the most ordinary is tried.
        first = np.where(good.any(1), good.argmax(1), energy.argmin(1))
        chosen = np.arange(len(states)), first
        self.routes = [
            route[choice + 1 :] if route is not None else None
            for route, choice in zip(self.routes, choices[chosen], strict=True)
        ]
        return places[chosen]


def _way(previous: np.ndarray, first: int, last: int) -> list[int]:
    """Return the nodes from first to last by their predecessors; none where there is no way."""
    way = [last]
    while way[-1] != first:
        if previous[way[-1]] < 0:
            return []
        way.append(int(previous[way[-1]]))
    return way[::-1]


def _even(route: np.ndarray, spacing: float) -> np.ndarray:
    """Return places (M, 2) along a route (N, 2), corners among them, at most `spacing` apart."""
    parts = [route[:1]]
    for first, second in pairwise(route):
        number = max(1, int(np.ceil(np.abs(second - first).max() / spacing)))
        parts.append(first + (second - first) * np.arange(1, number + 1)[:, None] / number)
    return np.concatenate(parts)


def _padded(route: np.ndarray, number: int, goal: np.ndarray) -> np.ndarray:
    part = route[:number]
    return np.concatenate((part, np.broadcast_to(goal, (number - len(part), 2))))
