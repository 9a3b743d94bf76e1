# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The trained model as its users see it: numpy in, numpy out, weights with their provenance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ..concepts import concept_names, named_concepts
from ..errors import InvalidInput, ModelError
from ..model_files import SHIPPED, read_model, write_model
from ..world.scene import (
    COLOUR,
    NUM_FEATURES,
    POSITION,
    WORKSPACE_LIMIT,
    Demonstration,
    Scene,
)
from .composition import weighed
from .config import ModelConfig, Preset
from .inference import InferredConcept, infer_concept, inputs_of
from .learner import Learner
from .readings import Reading, readings_of
from .roles import Roles, infer_roles, one_role
from .sampler import variable_of
from .satisfaction import excess, is_little
from .state_energy import StateEnergy
from .understanding import understanding

IDENTIFICATION_RESTARTS = 4
GENERATION_RESTARTS = 32
_CHANGES = {'position': POSITION, 'colour': COLOUR}
_PLACES_AT_ONCE = 1024  # of an actor whose energy is tabulated: bounds what the network keeps


class ConceptModel:
    """One trained energy; every method is deterministic for a given seed."""

    def __init__(self, learner: Learner, card: dict, sha256: str) -> None:
        self.learner = learner.eval().requires_grad_(False)
        self.energy, self.sampler = learner.energy, learner.sampler
        self.card, self.sha256 = card, sha256
        self.code_size = self.energy.code_size

    @torch.inference_mode()
    def infer(
        self, demonstrations: list[Demonstration], seed: int = 0, *, in_time: bool = True
    ) -> InferredConcept:
        """Infer both codes from demonstrations (eq. 8).

        in_time: whether the way counts where the ends do not tell what happened. Without it the
            code is of where events end, which is what brings about a single state.
        """
        if not demonstrations:
            raise InvalidInput('demonstrations: none given')
        roles = self.roles_of(demonstrations)
        return infer_concept(
            self.energy, self.sampler, demonstrations, roles, seed, in_time=in_time
        )

    def readings(
        self, demonstrations: list[Demonstration], seed: int = 0, *, in_time: bool = True
    ) -> tuple[Reading, ...]:
        """Return what demonstrations may mean, the likeliest first; see readings.py.

        Of one or two, several concepts are left as a rule, of five exact ones the one of `infer`.
        in_time: as of `infer`.
        """
        code = self.infer(demonstrations, seed, in_time=in_time).action_code
        return readings_of(self.energy, code, demonstrations, self.roles_of(demonstrations))

    def roles_of(self, demonstrations: Sequence[Demonstration]) -> Roles:
        """Return the roles that demonstrations mark or suggest; one if the energy knows none."""
        return infer_roles(demonstrations) if self.energy.inputs.roles else one_role(demonstrations)

    def understanding(
        self, demonstrations: Sequence[Demonstration], seed: int = 0, *, in_time: bool = True
    ) -> float:
        """Return how well the demonstrations fit together under some code; see understanding.py.

        Less than `understanding_threshold` means: not understood. in_time: as of `infer`.
        """
        if not demonstrations:
            raise InvalidInput('demonstrations: none given')
        roles = self.roles_of(demonstrations).of
        return understanding(
            self.energy, self.sampler, demonstrations, seed, in_time=in_time, roles=roles
        )

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

    @property
    def satisfied_thresholds(self) -> dict[str, float] | None:
        """Energy above the least that satisfies, by what changes; None: its card has none."""
        return self.card.get('understanding', {}).get('satisfied', {}).get('thresholds')

    @torch.no_grad()
    def satisfied(
        self,
        scene: Scene | Sequence[Scene],
        attention: np.ndarray,
        action_code: np.ndarray,
        seed: int = 0,
        *,
        roles: np.ndarray | None = None,
        changes: str = 'position',
    ) -> bool:
        """Tell whether the concept holds of those who are attended to, to 0.1 particle units.

        scene: one state, or x⁰ … xᵀ where the concept is about what changed. roles: as of
        `generate`. changes: of the movable ones, 'position' or 'colour'. Raises ModelError where
        the model's card has no thresholds (`ebm_core understand --write`).
        """
        thresholds = self.satisfied_thresholds
        if thresholds is None:
            raise ModelError('the model has no thresholds of satisfied; see ebm_core understand')
        if changes not in _CHANGES:
            raise InvalidInput(
                f'changes: {changes!r} is refused; allowed are {", ".join(_CHANGES)}'
            )
        states = [scene, scene] if isinstance(scene, Scene) else list(scene)
        states = Demonstration(tuple(states), attention).states
        order = states[0].participants(attention)
        movers = int(states[0].movable[order].sum())
        if not movers:
            raise InvalidInput('attention: no movable entity is attended to, so nobody acts')
        x = torch.from_numpy(np.stack([state.features()[order] for state in states]))[None]
        mutable = torch.zeros_like(x[:, 0])
        mutable[:, :movers, _CHANGES[changes]] = 1.0
        of_roles = None if roles is None else self._roles(states[0], roles)[order][None]
        given = (
            torch.ones(1, len(order)),
            self.code_tensor(action_code),
            mutable,
            movers,
            of_roles,
        )
        generator = torch.Generator().manual_seed(seed)
        short, exact = excess(self.energy, self.sampler, x[:, 0], x[:, 1:], *given, generator)
        variable = variable_of(mutable, len(states) - 1)
        return bool(is_little(short, exact, variable, thresholds))

    @torch.no_grad()
    def identify(
        self, scene: Scene | Sequence[Scene], code: np.ndarray, seed: int = 0
    ) -> np.ndarray:
        """Return the attention (N,), 0 or 1, that the code asks for (eq. 2).

        scene: one state, or a trajectory x⁰ … xᵀ of the same entities. code: (D,), or (K · D,) of
        an argument with K roles.
        """
        return self._masks(scene, code, seed).max(0)

    def identify_roles(self, scene: Scene, argument_code: np.ndarray, seed: int = 0) -> np.ndarray:
        """Return the role (N,) int8 of each entity, 0 for whoever is movable or takes no part.

        argument_code: (K · D,) of K roles. Whoever more than one role would take plays the last:
        what tells the first may be its relation to another.
        """
        roles = np.zeros(len(scene), np.int8)
        for k, mask in enumerate(self._masks(scene, argument_code, seed), 1):
            roles[(mask > 0.5) & ~scene.movable] = k
        return roles

    def _masks(self, scene: Scene | Sequence[Scene], code: np.ndarray, seed: int) -> np.ndarray:
        """Return masks (K, N) of 0 and 1, one for each role of the code."""
        w = self._codes(code)
        x = self._inputs(scene)
        mask = self.sampler.identify_best(
            self.energy,
            x,
            torch.ones(len(w), x.shape[-2]),
            w,
            restarts=IDENTIFICATION_RESTARTS,
            generator=torch.Generator().manual_seed(seed),
        )
        return mask.double().numpy()

    @torch.no_grad()
    def generate(
        self,
        scene: Scene,
        attention: np.ndarray,
        action_code: np.ndarray,
        seed: int = 0,
        *,
        roles: np.ndarray | None = None,
    ) -> Scene:
        """Return the scene with the attended movable entities where K descent steps bring them.

        roles: (N,) of `identify_roles`; None: all references play the same. Of GENERATION_RESTARTS
        chains, one from where they are, the end of least energy counts, or where it leaves the
        workspace, the nearest place within. Raises ModelError if not finite.
        """
        w = self.code_tensor(action_code)
        order, movers, energy = self.state_energy(scene, attention, w, roles)
        states = torch.from_numpy(scene.features()[order])[None, None]
        mutable = torch.zeros(1, len(order), NUM_FEATURES)
        mutable[:, :movers, POSITION] = 1.0
        end = self.sampler.generate_best(
            energy,
            states,
            mutable,
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
        self,
        scene: Scene,
        attention: np.ndarray,
        action_code: np.ndarray,
        points: np.ndarray,
        *,
        roles: np.ndarray | None = None,
        in_sum: bool = False,
    ) -> np.ndarray:
        """Return E (M,) with the actor at each of the points (M, 2), particle units.

        roles: as of `generate`. in_sum: whether it is to be added to energies of other codes. All
        have a scale in common; see `composition.weighed`.
        """
        w = weighed(self.energy, self.code_tensor(action_code), in_sum=in_sum)
        order, movers, energy = self.state_energy(scene, attention, w, roles)
        if movers != 1:
            raise InvalidInput(
                f'attention: {movers} movable entities are attended to, generation moves one'
            )
        states = torch.from_numpy(scene.features()[order]).repeat(1, len(points), 1, 1, 1)
        states[0, :, 0, 0, POSITION] = torch.tensor(points, dtype=torch.float32)
        few = states.split(_PLACES_AT_ONCE, 1)
        return torch.cat([energy(some)[0] for some in few]).double().numpy()

    def state_energy(
        self,
        scene: Scene,
        attention: np.ndarray,
        w: torch.Tensor,
        roles: np.ndarray | None,
        kind: type[StateEnergy] = StateEnergy,
    ) -> tuple[np.ndarray, int, StateEnergy]:
        """Return the attended entities, movable ones first, how many can move, and E of them."""
        order = scene.participants(attention)
        movers = int(scene.movable[order].sum())
        if not movers:
            raise InvalidInput('attention: no movable entity is attended to, so nobody acts')
        x = torch.from_numpy(scene.features()[order])[None]
        gates = torch.ones(1, len(order))
        of_roles = None if roles is None else self._roles(scene, roles)[order][None]
        given = (gates, w, movers, of_roles)
        energy = kind(self.energy, x, x.unsqueeze(1), *given)
        return order, movers, energy

    def _inputs(self, scene: Scene | Sequence[Scene]) -> torch.Tensor:
        """Return the inputs (1, T, N, I) of one state, or of a trajectory x⁰ … xᵀ."""
        return inputs_of(self.energy, [scene, scene] if isinstance(scene, Scene) else scene)

    def _roles(self, scene: Scene, roles: np.ndarray) -> torch.Tensor:
        roles = np.asarray(roles)
        if roles.shape != (len(scene),):
            raise InvalidInput(f'roles: shape {roles.shape}, the scene has {len(scene)} entities')
        return self.energy.inputs.one_hot(roles)

    def _codes(self, code: np.ndarray) -> torch.Tensor:
        """Return the codes (K, D) of K roles, which come as (K · D,)."""
        code = np.asarray(code)
        number = max(1, code.size // self.code_size)
        if code.shape != (number * self.code_size,) or number > max(1, self.energy.inputs.roles):
            most = max(1, self.energy.inputs.roles)
            sizes = ' or '.join(f'({k * self.code_size},)' for k in range(1, most + 1))
            raise InvalidInput(f'code: shape {code.shape}, this model takes {sizes}')
        return torch.cat([self.code_tensor(one) for one in code.reshape(number, -1)])

    def code_tensor(self, code: np.ndarray) -> torch.Tensor:
        """Return a code (D,) as (1, D); raises InvalidInput."""
        code = np.asarray(code, dtype=np.float32)
        if code.shape != (self.code_size,):
            raise InvalidInput(f'code: shape {code.shape}, this model takes ({self.code_size},)')
        if not np.isfinite(code).all():
            raise InvalidInput('code: contains NaN or infinity')
        return torch.from_numpy(code)[None]


def save_model(directory: Path, learner: Learner, preset: Preset, provenance: dict) -> str:
    """Write weights and card, and return the weights' SHA-256."""
    return write_model(directory, learner, preset.model_dump(), provenance)


def load_model(directory: Path | str = SHIPPED / 'open') -> ConceptModel:
    """Load a model directory, by default the shipped weights of a continuum of concepts.

    ModelError says what is missing, damaged or foreign.
    """
    files = read_model(directory)
    learner = Learner(files.config(ModelConfig))
    files.load_into(learner)
    return ConceptModel(learner, files.card, files.sha256)
