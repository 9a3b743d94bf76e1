"""The trained model as its users see it: numpy in, numpy out, weights with their provenance.

A model is a directory with `model.safetensors` (weights) and `model.json` (configuration, how the
weights were made, what they were measured to do, and their hash).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save

from .checkpoint import write_atomically
from .config import ModelConfig, Preset, describe
from .energy import ActorEnergy, energy_of_affine
from .scene import Demonstration, InvalidInput, Scene
from .training import Learner

WEIGHTS, CARD = 'model.safetensors', 'model.json'
IDENTIFICATION_RESTARTS = 16


class ModelError(RuntimeError):
    """A model directory that cannot be used; the message names the file and the reason."""


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
    def infer(self, demonstrations: list[Demonstration], seed: int = 0) -> InferredConcept:
        """Infer both codes from demonstrations (eq. 8)."""
        if not demonstrations:
            raise InvalidInput('demonstrations: none given')
        # One event at a time: the pairs of many large events would not fit into memory together.
        affine = torch.stack(
            [
                torch.stack([self._affine(d.after, d.attention) for d in demonstrations]),
                torch.stack([self._affine(d.before, d.attention) for d in demonstrations]),
            ]
        )
        generator = torch.Generator().manual_seed(seed)
        both = self.sampler.infer_code(affine, generator=generator)
        energies = energy_of_affine(affine, both.unsqueeze(1)).double().numpy()
        codes = both.double().numpy()
        if not (np.isfinite(codes).all() and np.isfinite(energies).all()):
            raise InvalidInput('demonstrations: inference of the codes did not stay finite')
        return InferredConcept(codes[0], codes[1], *energies)

    @torch.no_grad()
    def identify(self, scene: Scene, argument_code: np.ndarray, seed: int = 0) -> np.ndarray:
        """Return the attention (N,) in [0, 1] that the code asks for in a scene (eq. 2)."""
        w = self._code(argument_code)
        x = torch.from_numpy(scene.features())[None]
        logits = self.sampler.identify_best(
            self.energy,
            self.energy.pairs(x),
            torch.ones(x.shape[:2]),
            w,
            restarts=IDENTIFICATION_RESTARTS,
            generator=torch.Generator().manual_seed(seed),
        )
        return torch.sigmoid(logits[0]).double().numpy()

    @torch.no_grad()
    def generate(self, scene: Scene, attention: np.ndarray, action_code: np.ndarray) -> Scene:
        """Return the scene with the actor where K descent steps on the energy bring it (eq. 2)."""
        actor, energy = self._actor_energy(scene, attention, action_code)
        start = torch.tensor(scene.positions[actor], dtype=torch.float32)[None, None]
        end = self.sampler.generate(energy, start)[-1][0, 0].double().numpy()
        positions = scene.positions.copy()
        positions[actor] = end
        return scene.with_positions(positions)

    @torch.no_grad()
    def actor_energy(
        self, scene: Scene, attention: np.ndarray, action_code: np.ndarray, points: np.ndarray
    ) -> np.ndarray:
        """Return E (M,) with the actor at each of the points (M, 2), particle units."""
        _, energy = self._actor_energy(scene, attention, action_code)
        where = torch.tensor(points, dtype=torch.float32)[None]
        return energy(where)[0].double().numpy()

    def _actor_energy(
        self, scene: Scene, attention: np.ndarray, action_code: np.ndarray
    ) -> tuple[int, ActorEnergy]:
        attention = np.asarray(attention)
        if attention.shape != (len(scene),):
            raise InvalidInput(
                f'attention: shape {attention.shape}, the scene has {len(scene)} entities'
            )
        attended = attention > 0.5
        actors = np.flatnonzero(attended & scene.movable)
        if len(actors) != 1:
            raise InvalidInput(
                f'attention: {len(actors)} movable entities are attended to, generation moves one'
            )
        order = [actors[0], *np.flatnonzero(attended & ~scene.movable)]
        x = torch.from_numpy(scene.features()[order])[None]
        gates = torch.ones(x.shape[:2])
        return int(actors[0]), ActorEnergy(self.energy, x, gates, self._code(action_code))

    def _affine(self, scene: Scene, attention: np.ndarray) -> torch.Tensor:
        """Return [A | b] (R, D + 1) of a scene; who has no attention has no part in the energy."""
        part = attention > 0
        x = torch.from_numpy(scene.features()[part])
        return self.energy.affine_of_event(x, torch.tensor(attention[part], dtype=torch.float32))

    def _code(self, code: np.ndarray) -> torch.Tensor:
        code = np.asarray(code, dtype=np.float32)
        if code.shape != (self.code_size,):
            raise InvalidInput(f'code: shape {code.shape}, this model takes ({self.code_size},)')
        if not np.isfinite(code).all():
            raise InvalidInput('code: contains NaN or infinity')
        return torch.from_numpy(code)[None]


def save_model(directory: Path, learner: Learner, preset: Preset, provenance: dict) -> str:
    """Write weights and card, and return the weights' SHA-256."""
    data = save({k: v.detach().cpu().contiguous() for k, v in learner.state_dict().items()})
    sha256 = hashlib.sha256(data).hexdigest()
    card = {'sha256': sha256, **preset.model_dump(), 'provenance': provenance}
    write_atomically(directory / WEIGHTS, data)
    write_atomically(directory / CARD, (json.dumps(card, indent=2) + '\n').encode())
    return sha256


def load_model(directory: Path) -> ConceptModel:
    """Load a model directory; ModelError says what is missing, damaged or foreign."""
    weights, card_file = Path(directory) / WEIGHTS, Path(directory) / CARD
    try:
        card = json.loads(card_file.read_text())
        data = weights.read_bytes()
    except OSError as error:
        raise ModelError(f'{error.filename}: {error.strerror}') from None
    except ValueError as error:
        raise ModelError(f'{card_file}: not JSON ({error})') from None
    sha256 = hashlib.sha256(data).hexdigest()
    if not isinstance(card, dict) or card.get('sha256') != sha256:
        raise ModelError(f'{weights}: its SHA-256 {sha256[:12]}… is not the one in {card_file}')
    try:
        config = ModelConfig.model_validate(card.get('model'))
    except ValidationError as error:
        raise ModelError(f'{card_file}: {describe(error, ModelConfig)}') from None
    learner = Learner(Preset(model=config))
    try:
        learner.load_state_dict(load(data))
    except (SafetensorError, RuntimeError) as error:
        raise ModelError(f'{weights}: {error}') from None
    return ConceptModel(learner, card, sha256)
