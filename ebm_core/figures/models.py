# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where figures get their models: the main one, and the ablations that were trained for them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import ModelError
from ..model_files import CARD, SHIPPED
from ..relational.config import PRESETS, ModelConfig
from ..relational.model import ConceptModel, load_model

MAIN = 'concepts'
_PROVENANCE = ('step', 'wall_s', 'commit', 'command')  # what is said of each model
_DEFAULT_OUTPUT = Path('out/train')  # where `train` leaves a preset's model


class Models:
    """Models by preset, loaded once; `used` says of each which weights it has."""

    def __init__(self, main: Path, ablations: Path) -> None:
        """main: directory of the main model; ablations: directory with one of each preset."""
        self._main, self.ablations = Path(main), Path(ablations)
        self._loaded: dict[str, ConceptModel] = {}
        self.used: dict[str, dict] = {}

    def directory(self, preset: str) -> Path:
        """Return where the model of a preset is to be."""
        return self._main if preset == MAIN else self.ablations / preset

    @property
    def main_option(self) -> str:
        """The option by which a command takes the main model, empty for the shipped one."""
        return '' if self._main == SHIPPED / MAIN else f'--model {shlex.quote(str(self._main))} '

    def command(self, preset: str) -> str:
        """Return the command that makes the model of a preset where it is looked for."""
        command = f'python -m ebm_core train --preset {preset}'
        directory = self.directory(preset)
        return command + (
            ''
            if directory == _DEFAULT_OUTPUT / preset
            else f' --output {shlex.quote(str(directory))}'
        )

    def missing(self, presets: Iterable[str]) -> list[str]:
        """Return the presets whose models are not there."""
        return [p for p in presets if not (self.directory(p) / CARD).is_file()]

    def unknown(self, concepts: Sequence[str]) -> list[str]:
        """Return the concepts that the main model was not trained on."""
        return [c for c in concepts if c not in self.get(MAIN).trained_concepts] if concepts else []

    def require(self, presets: Iterable[str]) -> None:
        """Raise ModelError, with the commands that make them, if models are missing."""
        missing = self.missing(presets)
        if missing:
            raise ModelError(
                'models are missing: '
                + ', '.join(str(self.directory(p)) for p in missing)
                + '\nmake them with:\n'
                + '\n'.join(f'  {self.command(p)}' for p in missing)
            )

    def get(self, preset: str) -> ConceptModel:
        """Return the model of a preset, or raise ModelError that says how to make it."""
        if preset not in self._loaded:
            self.require([preset])
            model = load_model(self.directory(preset))
            # Only ablations are compared: the main model may be any.
            config = ModelConfig.model_validate(model.card['model'])
            if preset != MAIN and config != PRESETS[preset].model:
                raise ModelError(
                    f'{self.directory(preset)}: not a model of preset {preset}, its configuration '
                    f'is {model.card["model"]}; make one with: {self.command(preset)} --fresh'
                )
            self._loaded[preset] = model
            provenance = model.card.get('provenance', {})
            self.used[preset] = {
                'directory': str(self.directory(preset)),
                'sha256': model.sha256,
                **{k: provenance[k] for k in _PROVENANCE if k in provenance},
            }
        return self._loaded[preset]

    def metrics(self, preset: str) -> dict[str, dict[str, float]]:
        """Return what `train` measured of a model when it was done, by concept."""
        metrics = self.get(preset).card.get('provenance', {}).get('metrics')
        if not metrics:
            raise ModelError(
                f'{self.directory(preset) / CARD}: the model was never measured; '
                f'finish its training: {self.command(preset)}'
            )
        return metrics['concepts']
