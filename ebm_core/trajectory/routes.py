# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sub-goals: a search over states whose links are priced by the energy, and a low level on it.

The states are given: drawn from the data, or proposed by a conditional energy. A link is a straight
line of steps, and costs their distances to the goal and their excess energy. Where a link of the
best way is dear, one more state may be asked for, about the middle of each of its dear stretches.
The low level takes the longest step ahead that the energy finds ordinary; a step that did not
happen is remembered as dear, and the search is done again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from pydantic import Field
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from ..config import Config
from ..errors import InvalidInput
from .planning import Extra
from .points import STEP, Particle
from .ways import Ways, bridges, even, joined, steps_of, stretches, turning, way_between

_SPACING = 0.001  # of places along a route
_CHOICES = 16  # of them a step ahead, from which the low level takes one
_CORNERS = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 2)
_NOTHING, _NO_LINKS = np.empty(0), np.empty((0, 2), int)
_BLOCKED = 50.0  # the energy of a step that did not happen
_DETOUR = 0.1  # between the places of a route that straightening joins
_STRAIGHT = 1.5  # longest link of straightening
_COPIES, _ABOUT = 8, 0.04  # places about each of a route's, and their standard deviation


# Gives states (N, 2) between two places (2,), about shares (N,) of the way, or all that there are.
Nodes = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


class RouteConfig(Config):
    """How a route is searched for."""

    first: int = Field(3000, ge=0, description='states asked for between start and goal')
    more: int = Field(0, ge=0, description='states asked for where the best way is dear')
    radius: float = Field(0.15, gt=0, description='longest link, in the greatest coordinate')
    weight: float = Field(5.0, ge=0, description='of the excess energy of a step')
    most: float = Field(10.0, gt=0, description='that the energy of a single step can cost')
    searches: int = Field(1000, ge=1, description='of an episode; after them the way is straight')
    keep: bool = Field(True, description='prices of links through an episode: false while learning')
    joint: float = Field(1e-6, gt=0, description='cost of a link, however short')
    rounds: int = Field(2, ge=0, description='in which a route is straightened and improved')
    bump: float = Field(0.0125, ge=0, description='around a step that did not happen')
    margin: float = Field(
        0.015, ge=0, description='to each side, where a step must be ordinary too'
    )
    slack: float = Field(2.0, ge=0, description='excess energy of steps that the low level takes')


class _Kept(NamedTuple):
    """An episode's goal and states (N, 2), their links (M, 2), and the price of each step.

    more: how many states can still be asked for.
    """

    nodes: np.ndarray
    links: np.ndarray
    price: np.ndarray
    more: int


class Routes:
    """A planner for worlds of points."""

    def __init__(
        self,
        world: Particle,
        price: Extra,
        nodes: Nodes,
        config: RouteConfig,
    ) -> None:
        """price: the excess energy (...,) of states and nexts (..., 2)."""
        self.world, self.price, self.nodes, self.config = world, price, nodes, config
        self.routes: list[np.ndarray | None] = []
        self.blocked: list[list[np.ndarray]] = []
        self.asked: np.ndarray | None = None
        self.kept: list[_Kept | None] = []
        self.searches: list[int] = []  # of each episode
        self.rng = np.random.default_rng(0)

    def actions(self, states: np.ndarray, goals: np.ndarray) -> np.ndarray:
        """Return actions (B, 2) towards goals (B, 2)."""
        if self.asked is None:
            self.routes, self.blocked = [None] * len(states), [[] for _ in states]
            self.kept, self.searches = [None] * len(states), [0] * len(states)
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
        if self.searches[index] == self.config.searches:
            return even(np.stack((start, goal)), _SPACING)
        self.searches[index] += 1
        kept = self.kept[index]
        if kept is None:
            shares = (np.arange(self.config.first) + 0.5) / max(self.config.first, 1)
            nodes = self.nodes(start, goal, shares) if len(shares) else _NOTHING.reshape(0, 2)
            kept = self._grown(_Kept(goal[None], _NO_LINKS, _NOTHING, self.config.more), nodes)
        route = self._over(index, start, goal, kept)
        while kept.more and (dear := self._dear(index, route, start, goal)):
            new, more = [], kept.more
            for first, last, shares in dear:
                if more:
                    new.append(self.nodes(first, last, shares[:more]))
                    more -= len(shares[:more])
            kept = self._grown(kept, np.concatenate(new))._replace(more=more)
            route = self._over(index, start, goal, kept)
        self.kept[index] = kept if self.config.keep else None
        for _ in range(self.config.rounds if route is not None else 0):
            route = self._improved(index, route, goal)
        # Without a way the low level heads straight for the goal.
        return even(np.stack((start, goal)) if route is None else route, _SPACING)

    def _grown(self, kept: _Kept, new: np.ndarray) -> _Kept:
        """Return what is kept with new states (N, 2), and their links alone priced."""
        nodes = np.concatenate((kept.nodes, new))
        links = self._links(nodes)
        links = links[links.max(1) >= len(kept.nodes)]
        price = self._price(*steps_of(nodes, links)[1:], self.config.margin)
        links, price = (np.concatenate(x) for x in ((kept.links, links), (kept.price, price)))
        return kept._replace(nodes=nodes, links=links, price=price)

    def _over(
        self, index: int, start: np.ndarray, goal: np.ndarray, kept: _Kept
    ) -> np.ndarray | None:
        """Return the shortest way (M, 2) from start to goal (2,) over states; None without any."""
        nodes = np.concatenate(([start], kept.nodes))
        near = np.flatnonzero(np.abs(kept.nodes - start).max(1) <= self.config.radius) + 1
        links = np.stack((0 * near, near), 1)
        if self.config.more:
            # There is a way then, and what is dear of it says where states lack.
            links = np.concatenate((links, bridges(nodes, self.config.radius)))
        links = np.concatenate((links, kept.links + 1))
        return self._shortest(index, nodes, links, goal, last=1, known=kept.price)

    def _dear(
        self, index: int, route: np.ndarray, start: np.ndarray, goal: np.ndarray
    ) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return the ends (2,) of a way's links that the low level would not take.

        With each come the shares (S,) of the link about which its dear stretches are.
        """
        number = np.arange(len(route))
        links = np.stack((number[:-1], number[1:]), 1)
        link, before, after = steps_of(route, links)
        price = self._price(before, after, self.config.margin) + self._bumps(index, after)
        dear = price > self.config.slack
        return [(route[i], route[i + 1], stretches(dear[link == i])) for i in np.unique(link[dear])]

    def _improved(self, index: int, route: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Return the shortest way over places along a route, and over others about them."""
        along = even(route, _DETOUR)
        about = along + _ABOUT * self.rng.standard_normal((_COPIES, *along.shape))
        nodes = np.concatenate((along, about.reshape(-1, 2)))
        straight = np.stack(np.triu_indices(len(along), 1), 1)
        size = np.abs(along[straight[:, 0]] - along[straight[:, 1]]).max(1)
        links = np.concatenate((straight[size < _STRAIGHT], self._links(nodes)))
        return self._shortest(index, nodes, np.unique(links, axis=0), goal, last=len(along) - 1)

    def ways(
        self, nodes: np.ndarray, starts: np.ndarray, goals: int, rng: np.random.Generator
    ) -> Ways:
        """Return the shortest ways over nodes (N, 2) from some (S,), to some goals from each."""
        self.blocked = [[]]
        graph = self._graph(0, nodes, self._links(nodes), None)
        _, previous = dijkstra(graph, indices=starts, return_predecessors=True)
        found = [
            turning(nodes[way_between(tree, start, goal)])
            for tree, start in zip(previous, starts, strict=True)
            for goal in rng.integers(0, len(nodes), goals)
        ]
        found = [ways for ways in found if len(ways.joints)]
        if not found:
            raise InvalidInput('nodes: no way over them joins any two that are far apart')
        return joined(found)

    def _links(self, nodes: np.ndarray) -> np.ndarray:
        return cKDTree(nodes).query_pairs(self.config.radius, p=np.inf, output_type='ndarray')

    def _shortest(
        self,
        index: int,
        nodes: np.ndarray,
        links: np.ndarray,
        goal: np.ndarray,
        last: int,
        known: np.ndarray = _NOTHING,
    ) -> np.ndarray | None:
        graph = self._graph(index, nodes, links, goal, known)
        _, previous = dijkstra(graph, indices=0, return_predecessors=True)
        way = way_between(previous, 0, last)
        return nodes[way] if len(way) else None

    def _graph(
        self,
        index: int,
        nodes: np.ndarray,
        links: np.ndarray,
        goal: np.ndarray | None,
        known: np.ndarray = _NOTHING,
    ) -> csr_matrix:
        """Return the costs of links (M, 2) both ways; without a goal every step costs the same.

        known: the prices (K,) of the last steps of all.
        """
        first, second = nodes[links[:, 0]], nodes[links[:, 1]]
        link, before, after = steps_of(nodes, links)
        new = slice(len(link) - len(known))
        energy = np.concatenate(
            (self._price(before[new], after[new], self.config.margin), known)
        ) + self._bumps(index, after)
        total = np.bincount(link, self.config.weight * energy, len(links))
        far = 1.0 if goal is None else np.abs((first + second) / 2 - goal).sum(1)
        cost = np.abs(second - first).max(1) / STEP * far + total + self.config.joint
        both = np.concatenate((links, links[:, ::-1]))
        return csr_matrix((np.tile(cost, 2), both.T), shape=(len(nodes),) * 2)

    @torch.no_grad()
    def _price(self, before: np.ndarray, after: np.ndarray, margin: float = 0.0) -> np.ndarray:
        """Return what steps (..., 2) cost by the model."""
        pair = [torch.tensor(x, dtype=torch.float32) for x in (before, after)]
        energy = self.price(*pair)
        for aside in margin * _CORNERS if margin else ():
            energy = torch.maximum(energy, self.price(*(x + aside for x in pair)))
        return energy.double().numpy().clip(0, self.config.most)

    def _bumps(self, index: int, after: np.ndarray) -> np.ndarray:
        """Return what steps to places (M, 2) cost for what did not happen in episode `index`."""
        if not self.blocked[index]:
            return np.zeros(len(after))
        bumps = cKDTree(np.array(self.blocked[index]))
        return _BLOCKED * (bumps.query(after, p=np.inf)[0] < self.config.bump)

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
        energy = self._price(before, places)
        energy += np.stack([self._bumps(index, after) for index, after in enumerate(places)])
        good = energy <= self.config.slack
        # Where nothing is ordinary, the most ordinary is tried.
        first = np.where(good.any(1), good.argmax(1), energy.argmin(1))
        chosen = np.arange(len(states)), first
        self.routes = [
            route[choice + 1 :] if route is not None else None
            for route, choice in zip(self.routes, choices[chosen], strict=True)
        ]
        return places[chosen]


def _padded(route: np.ndarray, number: int, goal: np.ndarray) -> np.ndarray:
    part = route[:number]
    return np.concatenate((part, np.broadcast_to(goal, (number - len(part), 2))))
