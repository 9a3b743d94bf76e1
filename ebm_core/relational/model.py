# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The trained model as its users see it: numpy in, numpy out, weights with their provenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..concepts import concept_names, named_concepts
from ..errors import InvalidInput, ModelError
from ..model_files import SHIPPED, read_model, write_model
from ..world.scene import (
    NUM_FEATURES,
    POSITION,
    WORKSPACE_LIMIT,
    Demonstration,
    Scene,
)
from .config import ModelConfig, Preset
from .energy import energy_of_affine
from .learner import Learner
from .state_energy import StateEnergy
from .understanding import understanding

IDENTIFICATION_RESTARTS = 16
GENERATION_RESTARTS = 32
_PLACES_AT_ONCE = 1024  # of an actor whose energy is tabulated: bounds what the network keeps


@dataclass(frozen=True, eq=False)
class InferredConcept:
    """What five demonstrations amount to.

    action_code, argument_code: (D,) w_x and w_a of eq. 6.
    action_energies, argument_energies: (n,) E(x¹, a, w_x) and E(x⁰, a, w_a) of each demonstration.
    """

    action_code: np.ndarray
    argument_code: np.ndarray
    action_energies: np.ndarray
    argument_energies: np.ndarray


class ConceptModel:
    """One trained energy; every method is deterministic for a given seed."""

    def __init__(self, learner: Learner, card: dict, sha256: str) -> None:
        self.learner = learner.eval().requires_grad_(False)
        self.energy, self.sampler = learner.energy, learner.sampler
        self.card, self.sha256 = card, sha256
        self.code_size = self.energy.code_size

    @torch.no_grad()
    def infer(
        self, demonstrations: list[Demonstration], seed: int = 0, *, in_time: bool = True
    ) -> InferredConcept:
        """Infer both codes from demonstrations (eq. 8).

        in_time: whether the way counts where the ends do not tell what happened. Without it the
            code is of where events end, which is what brings about a single state.
        """
        if not demonstrations:
            raise InvalidInput('demonstrations: none given')
        # One event at a time: the pairs of many large events would not fit into memory together.
        affine = torch.stack(
            [
                torch.stack(
                    [self._affine(d.judged(in_time=in_time), d.attention) for d in demonstrations]
                ),
                torch.stack([self._affine([d.before] * 2, d.attention) for d in demonstrations]),
            ]
        )
        generator = torch.Generator().manual_seed(seed)
        both = self.sampler.infer_code(affine, generator=generator)
        energies = energy_of_affine(affine, both.unsqueeze(1)).double().numpy()
        codes = both.double().numpy()
        if not (np.isfinite(codes).all() and np.isfinite(energies).all()):
            raise InvalidInput('demonstrations: inference of the codes did not stay finite')
        return InferredConcept(codes[0], codes[1], *energies)

    def understanding(
        self, demonstrations: Sequence[Demonstration], seed: int = 0, *, in_time: bool = True
    ) -> float:
        """Return how well the demonstrations fit together under some code; see understanding.py.

        Less than `understanding_threshold` means: not understood. in_time: as of `infer`.
        """
        if not demonstrations:
            raise InvalidInput('demonstrations: none given')
        return understanding(self.energy, self.sampler, demonstrations, seed, in_time=in_time)

    @property
    def trained_concepts(self) -> tuple[str, ...]:
        """The names of the concepts that it was trained on, all where its card does not know."""
        shares = self.card.get('training', {}).get('concepts')
        if not isinstance(shares, dict):
            return concept_names()
        return named_concepts(shares)

    @property
    def understanding_threshold(self) -> float | None:
        """The score that tells, None where the model's card does not know one."""
        return self.card.get('understanding', {}).get('threshold')

    @torch.no_grad()
    def identify(
        self, scene: Scene | Sequence[Scene], code: np.ndarray, seed: int = 0
    ) -> np.ndarray:
        """Return the attention (N,), 0 or 1, that the code asks for (eq. 2).

        scene: one state, or a trajectory x⁰ … xᵀ of the same entities.
        """
        w = self._code(code)
        x = self._inputs(scene)
        mask = self.sampler.identify_best(
            self.energy,
            self.energy.pair_sums(x),
            torch.ones(1, x.shape[-2]),
            w,
            restarts=IDENTIFICATION_RESTARTS,
            generator=torch.Generator().manual_seed(seed),
        )
        return mask[0].double().numpy()

    @torch.no_grad()
    def generate(
        self, scene: Scene, attention: np.ndarray, action_code: np.ndarray, seed: int = 0
    ) -> Scene:
        """Return the scene with the attended movable entities where K descent steps bring them.

        Of GENERATION_RESTARTS chains, one from where they are, the end of least energy counts, or
        where it leaves the workspace, the nearest place within. Raises ModelError if not finite.
        """
        order, movers, energy = self._state_energy(scene, attention, action_code)
        states = torch.from_numpy(scene.features()[order])[None, None]
        free = torch.zeros(1, len(order), NUM_FEATURES)
        free[:, :movers, POSITION] = 1.0
        end = self.sampler.generate_best(
            energy,
            states,
            free,
            restarts=GENERATION_RESTARTS,
            generator=torch.Generator().manual_seed(seed),
        )
        places = end[0, 0, :movers, POSITION].double().numpy()
        if not np.isfinite(places).all():
            raise ModelError('generation did not stay finite')
        positions = scene.positions.copy()
        positions[order[:movers]] = np.clip(places, -WORKSPACE_LIMIT, WORKSPACE_LIMIT)
        return scene.with_positions(positions)

    @torch.no_grad()
    def actor_energy(
        self, scene: Scene, attention: np.ndarray, action_code: np.ndarray, points: np.ndarray
    ) -> np.ndarray:
        """Return E (M,) with the actor at each of the points (M, 2), particle units."""
        order, movers, energy = self._state_energy(scene, attention, action_code)
        if movers != 1:
            raise InvalidInput(
                f'attention: {movers} movable entities are attended to, generation moves one'
            )
        states = torch.from_numpy(scene.features()[order]).repeat(1, len(points), 1, 1, 1)
        states[0, :, 0, 0, POSITION] = torch.tensor(points, dtype=torch.float32)
        few = states.split(_PLACES_AT_ONCE, 1)
        return torch.cat([energy(some)[0] for some in few]).double().numpy()

    def _state_energy(
        self, scene: Scene, attention: np.ndarray, action_code: np.ndarray
    ) -> tuple[np.ndarray, int, StateEnergy]:
        """Return the attended entities, movable ones first, how many can move, and E of them."""
        attention = np.asarray(attention)
        if attention.shape != (len(scene),):
            raise InvalidInput(
                f'attention: shape {attention.shape}, the scene has {len(scene)} entities'
            )
        attended = attention > 0.5
        actors = np.flatnonzero(attended & scene.movable)
        if not len(actors):
            raise InvalidInput('attention: no movable entity is attended to, so nobody acts')
        order = np.concatenate((actors, np.flatnonzero(attended & ~scene.movable)))
        x = torch.from_numpy(scene.features()[order])[None]
        gates = torch.ones(1, len(order))
        energy = StateEnergy(
            self.energy, x, x.unsqueeze(1), gates, self._code(action_code), len(actors)
        )
        return order, len(actors), energy

    def _affine(self, states: Sequence[Scene], attention: np.ndarray) -> torch.Tensor:
        """Return [A | b] (R, D + 1) of x⁰ … xᵀ; who has no attention has no part in the energy."""
        part = attention > 0
        x = self._inputs(states)[:, :, torch.from_numpy(part)]
        gates = torch.tensor(attention[part], dtype=torch.float32)[None]
        return self.energy.affine_of_event(x, gates)[0]

    def _inputs(self, scene: Scene | Sequence[Scene]) -> torch.Tensor:
        """Return the inputs (1, T, N, I) of one state, or of a trajectory x⁰ … xᵀ."""
        states = [scene, scene] if isinstance(scene, Scene) else list(scene)
        x = torch.from_numpy(np.stack([state.features() for state in states]))[None]
        return self.energy.inputs(x[:, 1:], x[:, 0])

    def _code(self, code: np.ndarray) -> torch.Tensor:
        code = np.asarray(code, dtype=np.float32)
        if code.shape != (self.code_size,):
            raise InvalidInput(f'code: shape {code.shape}, this model takes ({self.code_size},)')
        if not np.isfinite(code).all():
            raise InvalidInput('code: contains NaN or infinity')
        return torch.from_numpy(code)[None]


def save_model(directory: Path, learner: Learner, preset: Preset, provenance: dict) -> str:
    """Write weights and card, and return the weights' SHA-256."""
    return write_model(directory, learner, preset.model_dump(), provenance)


def load_model(directory: Path | str = SHIPPED / 'concepts') -> ConceptModel:
    """Load a model directory, by default the shipped weights of all families.

    ModelError says what is missing, damaged or foreign.
    """
    files = read_model(directory)
    learner = Learner(files.config(ModelConfig))
    files.load_into(learner)
    return ConceptModel(learner, files.card, files.sha256)
