# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""E over the places of all movers at once, for callers with constraints of their own.

`ConceptModel.generate` returns the one place of least energy. Who has to keep things apart, or
within reach, has to choose among many; here are the ends of all chains, and energy and slope of any
other places.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..errors import ModelError
from ..world.scene import LAST_STEP, NUM_FEATURES, POSITION, UNTIL_THEN, Scene
from .composition import weighed
from .formation_search import FormationOfStates
from .model import ConceptModel
from .sampler import starts, variable_of
from .state_energy import StateEnergy

_LM_STEPS = 20  # of Levenberg and Marquardt, into a formation
_AT_ONCE = 512  # candidates: bounds what the network keeps
# Per unit² that a formation is missed by: of places that are in it the network is to choose.
_EXACT = 1e6
# In a sum it counts as other exact residuals do (`composition.EXACT`), to be weighed with them.
_EXACT_IN_SUM = 2e3
# How far from a formation is in it, in its residuals squared. Of five with distances alike, other
# shapes miss it by 1e-9 and less, where it is missed by 1e-14; of codes that nothing fits exactly,
# by no more than twice the least.
_IN_FORMATION, _AS_NEAR = 1e-11, 4.0
# Where several are to be in a formation that other terms tell the place of, the lowest shapes are
# tried at so many places a side, turned so many times.
_SHAPES, _PLACES, _TURNS = 3, 11, 8


class _Still(StateEnergy):
    """E of states in which nobody has moved, wherever they are: of arrangements, not of events.

    How far it is from x⁰ says nothing then, nor who went where.
    """

    def _inputs(self, states: Tensor) -> Tensor:
        return self.e.inputs(states, states[..., 0, :, :], self.roles)

    def _of_network(self, states: Tensor, x: Tensor, sums: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        energy, d_x, d_sums = super()._of_network(states, x, sums)
        d_x[..., LAST_STEP], d_x[..., UNTIL_THEN] = 0.0, 0.0
        return energy, d_x, d_sums


class Arrangements:
    """E(x¹) of a concept in a scene by where its movers are; M candidates of m movers at once.

    scene: x⁰. One mover's place may depend on where it was; several are judged by how they stand,
    and only chains go the way that was demonstrated. attention: (N,) who takes
    part. roles: as of `ConceptModel.generate`. in_sum: whether it is to be added to others. All
    energies have a scale in common, as those of `ConceptModel.actor_energy`. Raises what these do.
    """

    def __init__(
        self,
        model: ConceptModel,
        scene: Scene,
        attention: np.ndarray,
        action_code: np.ndarray,
        *,
        roles: np.ndarray | None = None,
        in_sum: bool = False,
    ) -> None:
        self._sampler = model.sampler
        self._exact = _EXACT_IN_SUM if in_sum else _EXACT
        w = weighed(model.energy, model.code_tensor(action_code), in_sum=in_sum)
        self._order, self._count, self._energy = model.state_energy(scene, attention, w, roles)
        self._way = self._energy
        if self._count > 1:
            _, _, self._energy = model.state_energy(scene, attention, w, roles, kind=_Still)
        self._least_missed = np.inf
        self._states = torch.from_numpy(scene.features()[self._order])[None, None]

    @property
    def movers(self) -> np.ndarray:
        """Return the indices (m,) of the movers in the scene, in the order of places."""
        return self._order[: self._count]

    @torch.no_grad()
    def energies(self, places: np.ndarray) -> np.ndarray:
        """Return E (M,) of places (M, m, 2), particle units; of exact places it is to choose."""
        if not len(places):
            return np.zeros(0)
        few = self._candidates(places).split(_AT_ONCE, 1)
        return (
            torch.cat([self._energy(some)[0] + self._missed(some) for some in few]).double().numpy()
        )

    @torch.no_grad()
    def slopes(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return E (M,) and its slope (M, m, 2) per particle unit, of places (M, m, 2).

        It is that of `energies`, but for what it adds where places are not in the code's formation:
        who goes downhill gets into it by `in_formation`.
        """
        value, gradient = self._energy.value_and_gradient(self._candidates(places))
        slope = gradient[0, :, 0, : self._count, POSITION]
        return value[0].double().numpy(), slope.double().numpy()

    @torch.no_grad()
    def chains(self, restarts: int, seed: int = 0) -> np.ndarray:
        """Return places (M, m, 2) where `restarts` chains end, of which the first began at x⁰.

        Of a code with a formation, those that are in it. ModelError where one is not finite.
        """
        mutable = torch.zeros(1, len(self._order), NUM_FEATURES)
        mutable[:, : self._count, POSITION] = 1.0
        generator = torch.Generator().manual_seed(seed)
        first = starts(self._states, mutable, restarts, generator)
        variable = variable_of(mutable, 1)
        ends = self._sampler.generate(self._way, first, mutable, variable=variable)[-1]
        return self.in_formation(ends[0, :, 0, : self._count, POSITION].double().numpy())

    @torch.no_grad()
    def in_formation(self, places: np.ndarray) -> np.ndarray:
        """Return places (M', m, 2) nearby that are in the code's formation.

        From some places no way leads there: these are left out. Without a formation, themselves.
        """
        if (formation := self._formation) is not None and len(places):
            whole = self._candidates(places)[..., POSITION]
            reached = formation.reached(whole, _LM_STEPS)
            missed = formation.residuals(reached).square().sum(-1)[0].double().numpy()
            if not np.isfinite(missed).all():
                raise ModelError('generation did not stay finite')
            self._least_missed = min(self._least_missed, float(missed.min()))
            is_in = missed <= max(_IN_FORMATION, _AS_NEAR * self._least_missed)
            places = reached[0, is_in, 0, : self._count].double().numpy()
        if not np.isfinite(places).all():
            raise ModelError('generation did not stay finite')
        return places

    @property
    def _formation(self) -> FormationOfStates | None:
        formation = self._energy.formation
        return formation if formation is not None and bool((formation.scales != 0).any()) else None

    def _missed(self, states: Tensor) -> Tensor | float:
        """Return what it costs (M,) not to be in the code's formation, if it has one."""
        if self._formation is None:
            return 0.0
        missed = self._formation.residuals(states[..., POSITION]).square().sum(-1)
        return self._exact * missed[0]

    def _candidates(self, places: np.ndarray) -> Tensor:
        """Return states (1, M, 1, P, F) with the movers at places (M, m, 2)."""
        states = self._states.repeat(1, len(places), 1, 1, 1)
        states[0, :, 0, : self._count, POSITION] = torch.as_tensor(places, dtype=torch.float32)
        return states


class SummedArrangements:
    """A weighted sum of energies of the same movers, or of one of them; stands in for one energy.

    movers: how many. terms: a weight, an energy, and the numbers (k,) of the movers it is of.
    """

    def __init__(
        self, movers: int, terms: Sequence[tuple[float, Arrangements, np.ndarray]]
    ) -> None:
        self._movers, self._terms = movers, tuple(terms)

    def energies(self, places: np.ndarray) -> np.ndarray:
        """Return the sum (M,) at places (M, m, 2), particle units."""
        return sum(weight * of.energies(places[:, who]) for weight, of, who in self._terms)

    def slopes(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the sum (M,) and its slope (M, m, 2) per particle unit, of places (M, m, 2)."""
        value, slope = np.zeros(len(places)), np.zeros(places.shape)
        for weight, energy, who in self._terms:
            of_term, by_those = energy.slopes(places[:, who])
            value += weight * of_term
            slope[:, who] += weight * by_those
        return value, slope

    def chains(self, restarts: int, seed: int = 0) -> np.ndarray:
        """Return where chains of each term of all movers end, and of several movers, elsewhere.

        (M, m, 2). A sum was never trained: of several, what one term asks for is looked for where
        the others allow it, all over the plane.
        """
        ends = np.concatenate([energy.chains(restarts, seed) for energy in self._whole])
        if self._movers == 1:
            return ends
        shapes = ends[self.energies(ends).argsort(kind='stable')[:_SHAPES]]
        elsewhere = np.concatenate([_all_over(shape) for shape in shapes])
        lowest = self.energies(elsewhere).argsort(kind='stable')[:restarts]
        return np.concatenate((ends, elsewhere[lowest]))

    def in_formation(self, places: np.ndarray) -> np.ndarray:
        """Return places (M, m, 2) nearby that are in the last term's formation that has one."""
        for energy in self._whole:
            places = energy.in_formation(places)
        return places

    @property
    def _whole(self) -> list[Arrangements]:
        """Return the energies that are of all movers."""
        return [energy for _, energy, who in self._terms if len(who) == self._movers]


def _all_over(shape: np.ndarray) -> np.ndarray:
    """Return the shape (m, 2) with its middle all over the plane, turned in all directions."""
    turns = 2 * np.pi * np.arange(_TURNS) / _TURNS
    cos, sin = np.cos(turns), np.sin(turns)
    turn = np.stack((np.stack((cos, sin), -1), np.stack((-sin, cos), -1)), -2)
    turned = (shape - shape.mean(0)) @ turn
    axis = np.linspace(-1, 1, _PLACES)
    middles = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 1, 1, 2)
    return (turned + middles).reshape(-1, *shape.shape)
