# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figure 8: what the KL loss does to the energies of samples."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..concepts import FAMILIES
from ..relational.model import ConceptModel
from ..relational.task import Events
from . import style
from .models import Models
from .probe import codes, draw_events, generation_chain, identification_chain, seeded
from .spec import FigureSpec, markdown_table, percent

_MODELS = {'shapes': 'with the KL loss', 'shapes_no_kl': 'without'}
_CONTEXTS = ('generation', 'identification')
_KINDS = {
    'demonstrations': ('demonstrations', style.GREEN),
    'samples': ('samples, after K steps', style.VERMILION),
    'random': ('random, before the first step', style.DARK),
}
_FLOOR = 1e-6  # of the energies drawn; zero has no logarithm


@torch.no_grad()
def event_energies(
    model: ConceptModel, context: str, seed: int, scenes: int
) -> dict[str, np.ndarray]:
    """Return energies (n,) of novel demonstrations, of samples, and of where these started."""
    rng, parts = seeded(seed), []
    per_concept = -(-scenes // len(FAMILIES['shape']))
    for concept in FAMILIES['shape']:
        shown, asked = draw_events([concept] * per_concept, rng, context)
        w = codes(model, shown)
        chain = generation_chain if context == 'generation' else identification_chain
        _, energies = chain(model, asked, w)
        events = Events.of(asked)
        x = model.energy.inputs(events.states[:, 1:], events.states[:, 0])
        shown_energy = model.energy.energy(x, events.attention, w)
        parts.append((shown_energy, energies[:, -1], energies[:, 0]))
    return dict(zip(_KINDS, (torch.cat(p).numpy() for p in zip(*parts, strict=True)), strict=True))


def summary(energies: dict[str, np.ndarray]) -> dict[str, float]:
    """Return medians, and the share of samples that look like demonstrations."""
    limit = np.quantile(energies['demonstrations'], 0.95)
    return {
        **{f'median_{kind}': float(np.median(values)) for kind, values in energies.items()},
        'samples_below_95th_percentile': float((energies['samples'] <= limit).mean()),
        'random_below_95th_percentile': float((energies['random'] <= limit).mean()),
    }


def draw(models: Models, seed: int, scenes: int) -> tuple[Figure, dict]:
    """Draw the energies' distributions, contexts in rows and models in columns."""
    figure = style.canvas(9.6, 5.4)
    axes = figure.subplots(len(_CONTEXTS), len(_MODELS), sharex='row')
    numbers: dict[str, dict] = {}
    for column, (preset, title) in enumerate(_MODELS.items()):
        model = models.get(preset)
        numbers[preset] = {}
        for row, context in enumerate(_CONTEXTS):
            energies = event_energies(model, context, seed, scenes)
            numbers[preset][context] = summary(energies)
            _histograms(axes[row, column], energies)
            share = numbers[preset][context]['samples_below_95th_percentile']
            axes[row, column].set_title(
                f'{context}, {title}\n{percent(share)} of samples as low as demonstrations'
            )
    for ax in axes[-1]:
        ax.set_xlabel('energy')
    for ax in axes[:, 0]:
        ax.set_ylabel('share of events')
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc='outside lower center', ncols=4)
    return figure, numbers


def _histograms(ax: Axes, energies: dict[str, np.ndarray]) -> None:
    """Draw distributions of energies, logarithmic, and the demonstrations' 95th percentile."""
    floored = {kind: np.maximum(values, _FLOOR) for kind, values in energies.items()}
    both = np.concatenate(list(floored.values()))
    bins = np.geomspace(both.min() * 0.9, both.max() * 1.1, 36)
    for kind, (label, colour) in _KINDS.items():
        weights = np.full(len(floored[kind]), 1 / len(floored[kind]))
        look = {'bins': bins, 'weights': weights, 'color': colour}
        ax.hist(floored[kind], histtype='stepfilled', alpha=0.25, **look)
        ax.hist(floored[kind], histtype='step', linewidth=1.5, label=label, **look)
    limit = np.quantile(floored['demonstrations'], 0.95)
    ax.axvline(limit, color=style.GREY, linestyle='--', linewidth=1, label='95 % of demonstrations')
    ax.set_xscale('log')


def table(numbers: dict) -> str:
    """Return medians and shares by context and model."""
    return markdown_table(
        (
            '',
            'median energy of demonstrations',
            'of samples',
            'of random events',
            'samples below the 95th percentile of demonstrations',
        ),
        [
            (
                f'{context}, {_MODELS[preset]}',
                *(f'{numbers[preset][context][f"median_{kind}"]:.3g}' for kind in _KINDS),
                percent(numbers[preset][context]['samples_below_95th_percentile']),
            )
            for context in _CONTEXTS
            for preset in numbers
        ],
    )


FIGURE = FigureSpec(
    'Figure 8: energies with and without the KL loss',
    'Energies of novel events of the shape family under codes inferred from five demonstrations. '
    'Green: true events. Red: what the sampler reaches in K = 10 steps, from x⁰ (generation) or '
    'from a ~ N(0, 1) (identification, one chain). Black: where it starts. The dashed line is the '
    '95th percentile of the true events; samples left of it are as good as true ones to the '
    'energy. Energies of different models are in units of their own: compare colours within a '
    'panel.',
    tuple(_MODELS),
    draw,
    table,
)
