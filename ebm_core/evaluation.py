"""What a model does on novel scenes: the numbers of the README, by one command."""

from __future__ import annotations

import numpy as np
import torch

from .energy import ActorEnergy
from .events import concept_names, get_concept, sample_placements
from .events.batch import EventBatch
from .events.placement import (
    NUM_ENTITIES,
    SUCCESS_DISTANCE,
    PlacementConcept,
    generation_events,
    identification_events,
)
from .model import IDENTIFICATION_RESTARTS, ConceptModel
from .objective import PARTICIPANTS, tensors
from .scene import COLOURS, POSITION

DEMONSTRATIONS = 5
DESCENT_STEPS = 60  # of plain descent from the grid; a controller descends for as long as it takes
GRID = 20


@torch.no_grad()
def evaluate_concept(
    model: ConceptModel,
    name: str,
    *,
    scenes: int = 500,
    num_entities: tuple[int, int] = NUM_ENTITIES,
    seed: int = 1,
) -> dict[str, float]:
    """Measure one concept, every scene with five demonstrations and codes of its own.

    Returns shares in [0, 1] and distances in particle units:
    generation: actor within SUCCESS_DISTANCE of the goal after K steps; median_distance.
    attention: the argument's mask exactly right in x⁰ (w_a); attention_one_chain: with one restart.
    relation: who stands in the demonstrated relation found exactly, in still scenes (w_x).
    """
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    concept = get_concept(name)
    # "point" is a family: every scene has a point of its own.
    concepts = sample_placements(rng, scenes, 'point') if name == 'point' else [concept] * scenes
    colours = rng.integers(len(COLOURS), size=scenes)
    asked = generation_events(concepts, colours, DEMONSTRATIONS + 1, rng, num_entities)
    still = identification_events(concepts, 1, rng, num_entities)
    w_x, w_a = infer_codes(model, asked)
    before, after, attention, present = (t[:, -1] for t in tensors(asked, torch.device('cpu')))
    k = PARTICIPANTS
    actor = ActorEnergy(model.energy, before[:, :k], attention[:, :k], w_x)
    end = model.sampler.generate(actor, before[:, None, 0, POSITION])[-1][:, 0]
    distance = torch.linalg.vector_norm(end - after[:, 0, POSITION], dim=-1)
    _, x, mask, exists = (t[:, 0] for t in tensors(still, torch.device('cpu')))
    return {
        'scenes': scenes,
        'generation': float((distance < SUCCESS_DISTANCE).float().mean()),
        'median_distance': float(distance.median()),
        'p95_distance': float(distance.quantile(0.95)),
        'attention': _exact(model, before, attention, present, w_a, IDENTIFICATION_RESTARTS),
        'attention_one_chain': _exact(model, before, attention, present, w_a, 1),
        'relation': _exact(model, x, mask, exists, w_x, IDENTIFICATION_RESTARTS),
        'relation_one_chain': _exact(model, x, mask, exists, w_x, 1),
    }


def infer_codes(model: ConceptModel, events: EventBatch) -> tuple[torch.Tensor, torch.Tensor]:
    """Return w_x and w_a (C, D) from the first DEMONSTRATIONS events of each concept."""
    before, after, attention, _ = tensors(events, torch.device('cpu'))
    m = DEMONSTRATIONS
    return tuple(  # type: ignore[return-value]
        model.sampler.infer_code(model.energy.affine_of_event(x[:, :m], attention[:, :m]))
        for x in (after, before)
    )


def _exact(
    model: ConceptModel,
    x: torch.Tensor,
    mask: torch.Tensor,
    present: torch.Tensor,
    w: torch.Tensor,
    restarts: int,
) -> float:
    logits = model.sampler.identify_best(
        model.energy, model.energy.pairs(x), present, w, restarts=restarts
    )
    found = ((logits > 0) & (present > 0)).float()
    return float((found == mask).all(-1).float().mean())


@torch.no_grad()
def basin(
    model: ConceptModel, name: str = 'between', *, scenes: int = 100, seed: int = 2
) -> dict[str, float]:
    """Descend plainly on the energy from a GRID × GRID of starts; false minima would show here.

    Each step is against the gradient, of a length that halves whenever the energy did not fall, so
    nothing of the learned sampler takes part. Returns the share of starts that end within
    SUCCESS_DISTANCE of the goal: the mean over scenes, and of the worst scene.
    """
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    concept: PlacementConcept = get_concept(name)
    colours = rng.integers(len(COLOURS), size=scenes)
    events = generation_events([concept] * scenes, colours, DEMONSTRATIONS + 1, rng)
    w_x, _ = infer_codes(model, events)
    before, after, attention, _ = (t[:, -1] for t in tensors(events, torch.device('cpu')))
    k = PARTICIPANTS
    actor = ActorEnergy(model.energy, before[:, :k], attention[:, :k], w_x)
    axis = torch.linspace(-1, 1, GRID)
    position = torch.cartesian_prod(axis, axis).expand(scenes, -1, -1)
    length = torch.full((*position.shape[:2], 1), 0.1)
    energy, gradient = actor.value_and_gradient(position)
    for _ in range(DESCENT_STEPS):
        direction = gradient / torch.linalg.vector_norm(gradient, dim=-1, keepdim=True).clamp_min(
            1e-12
        )
        trial = position - length * direction
        trial_energy, trial_gradient = actor.value_and_gradient(trial)
        fell = (trial_energy < energy).unsqueeze(-1)
        position = torch.where(fell, trial, position)
        gradient = torch.where(fell, trial_gradient, gradient)
        energy = torch.minimum(energy, trial_energy)
        length = torch.where(fell, length * 1.2, length / 2)
    distance = torch.linalg.vector_norm(position - after[:, :1, POSITION], dim=-1)
    share = (distance < SUCCESS_DISTANCE).float().mean(1)
    return {
        'scenes': scenes,
        'starts_per_scene': GRID * GRID,
        'mean_share': float(share.mean()),
        'worst_scene_share': float(share.min()),
    }


def evaluate(
    model: ConceptModel,
    *,
    scenes: int = 500,
    num_entities: tuple[int, int] = NUM_ENTITIES,
    seed: int = 1,
) -> dict[str, dict]:
    """Measure every concept, and the basin of "between"."""
    concepts = {
        name: evaluate_concept(model, name, scenes=scenes, num_entities=num_entities, seed=seed)
        for name in concept_names()
    }
    starts = basin(model, scenes=max(1, scenes // 5), seed=seed + 1)
    return {'concepts': concepts, 'basin_between': starts}


def table(results: dict[str, dict]) -> str:
    """Return the results as a Markdown table."""
    columns = {
        'generation': 'generation < 0.1',
        'median_distance': 'median distance',
        'attention': 'attention exact',
        'attention_one_chain': '(one chain)',
        'relation': 'relation exact',
        'relation_one_chain': '(one chain)',
    }
    lines = [
        '| concept | ' + ' | '.join(columns.values()) + ' |',
        '|---|' + '---|' * len(columns),
    ]
    for name, row in results['concepts'].items():
        cells = [
            f'{row[key]:.3f}' if 'distance' in key else f'{100 * row[key]:.1f} %' for key in columns
        ]
        lines.append(f'| {name} | ' + ' | '.join(cells) + ' |')
    b = results['basin_between']
    lines.append(
        f'\nPlain descent for *between* from {b["starts_per_scene"]} starts in each of '
        f'{b["scenes"]} scenes ends within {SUCCESS_DISTANCE} of the midpoint from '
        f'{100 * b["mean_share"]:.1f} % of them (worst scene {100 * b["worst_scene_share"]:.1f} %).'
    )
    return '\n'.join(lines)
