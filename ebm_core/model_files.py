# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A model on the disk: weights with their provenance, the same for every energy.

A model is a directory with `model.safetensors` (weights) and `model.json` (its card: configuration,
how the weights were made, what they were measured to do, and their hash).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from .config import Config, describe
from .errors import ModelError
from .files import write_atomically

WEIGHTS, CARD = 'model.safetensors', 'model.json'
SHIPPED = Path(__file__).parent / 'weights'  # with a directory for each model of the package
AnyConfig = TypeVar('AnyConfig', bound=Config)


class ModelFiles(NamedTuple):
    """What a model's directory has; data: the weights as they stand in the file."""

    directory: Path
    card: dict
    data: bytes
    sha256: str

    def config(self, kind: type[AnyConfig]) -> AnyConfig:
        """Return the configuration of the network, checked; ModelError says what is wrong."""
        try:
            return kind.model_validate(self.card.get('model'))
        except ValidationError as error:
            raise ModelError(f'{self.directory / CARD}: {describe(error, kind)}') from None

    def load_into(self, module: nn.Module) -> None:
        """Load the weights; ModelError says where they do not fit."""
        self._load(module, strict=True)

    def begin(self, module: nn.Module) -> None:
        """Load the weights into a module that may have more; those keep their values.

        ModelError says what does not fit.
        """
        if unknown := self._load(module, strict=False):
            raise ModelError(f'{self.directory / WEIGHTS}: nothing takes {", ".join(unknown)}')

    def _load(self, module: nn.Module, *, strict: bool) -> list[str]:
        """Load the weights, and return the names of those that the module does not have."""
        try:
            return module.load_state_dict(load(self.data), strict=strict).unexpected_keys
        except (SafetensorError, RuntimeError) as error:
            raise ModelError(f'{self.directory / WEIGHTS}: {error}') from None


def write_model(directory: Path, module: nn.Module, config: dict, provenance: dict) -> str:
    """Write weights and card, and return the weights' SHA-256.

    config: has the network's configuration as 'model'; what else it has stands in the card too.
    """
    data = save({k: v.detach().cpu().contiguous() for k, v in module.state_dict().items()})
    sha256 = hashlib.sha256(data).hexdigest()
    write_atomically(directory / WEIGHTS, data)
    write_card(directory, {'sha256': sha256, **config, 'provenance': provenance})
    return sha256


def write_card(directory: Path, card: dict) -> None:
    """Write the card alone."""
    write_atomically(directory / CARD, (json.dumps(card, indent=2) + '\n').encode())


def read_model(directory: Path | str) -> ModelFiles:
    """Read a model's directory; ModelError says what is missing or damaged."""
    directory = Path(directory)
    weights, card_file = directory / WEIGHTS, directory / CARD
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
    return ModelFiles(directory, card, data, sha256)
