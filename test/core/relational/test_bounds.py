# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Regions: bounds that demonstrations keep, and that some of them touch."""

import numpy as np
import pytest
import torch

from ebm_core.relational.bound_search import infer_region, seen_from
from ebm_core.relational.curve_search import infer_curves
from ebm_core.relational.curves import FEATURES, WHERE, Context, Curves, context_of

CURVES = Curves()
SHOWN, SETS = 5, 20
EAST, NORTH = np.array([1.0, 0.0]), np.array([0.0, 1.0])
TILTED = np.array([np.cos(0.4), np.sin(0.4)])


def half_plane(p, way, offset):
    """The nearest place with p · way at least offset."""
    return p + np.maximum(offset - p @ way, 0)[..., None] * way


def disc(p, middle, radius):
    off = p - middle
    far = np.linalg.norm(off, axis=-1, keepdims=True)
    return middle + off * np.minimum(1, radius / far)


def outside(p, middle, radius):
    off = p - middle
    far = np.linalg.norm(off, axis=-1, keepdims=True)
    return middle + off * np.maximum(1, radius / far)


def nearer(p, a, b):
    way = (a - b) / np.linalg.norm(a - b, axis=-1, keepdims=True)
    short = np.maximum((((a + b) / 2 - p) * way).sum(-1, keepdims=True), 0)
    return p + short * way


# By name: how many references, and the nearest place of the region.
REGIONS = {
    'left of a line': (0, lambda p: half_plane(p, -EAST, 0.3)),
    'beyond a tilted line': (0, lambda p: half_plane(p, TILTED, 0.2)),
    'in a rectangle': (0, lambda p: np.clip(p, (-0.7, 0.0), (0.1, 0.8))),
    'north of it': (1, lambda p, a: a + half_plane(p - a, NORTH, 0.1)),
    'away from it': (1, lambda p, a: outside(p, a, 0.5)),
    'in a square around it': (1, lambda p, a: np.clip(p, a - 0.4, a + 0.4)),
    'nearer to one': (2, nearer),
}


def shown(rng, name, number):
    """Where events start and end, (number, 2) each, and references (number, k, 2)."""
    k, place = REGIONS[name]
    out = []
    while len(out) < number:
        start, anywhere = rng.uniform(-1, 1, (2, 2))
        where = rng.uniform(-0.8, 0.8, (k, 2))
        if k > 1 and np.linalg.norm(where[0] - where[1]) < 0.35:
            continue
        # Half of them go to the nearest place, the others somewhere inside.
        end = place(start if rng.random() < 0.5 else anywhere, *where)
        moved = np.linalg.norm(place(start, *where) - start)
        if moved > 0.2 and np.abs(end).max() <= 1:
            out.append((start, end, where))
    return (np.stack(part) for part in zip(*out, strict=True))


def about(start, where):
    start, where = (torch.tensor(part, dtype=torch.float32) for part in (start, where))
    roles = torch.eye(3)[: where.shape[-2]].expand(*where.shape[:-1], 3)
    return context_of(where, torch.ones(where.shape[:-1]), start, roles)


def several(one, sets):
    return Context(*(part.unflatten(0, (sets, -1)) for part in one))


@pytest.mark.parametrize('name', REGIONS)
def test_five_places_tell_their_region(name):
    rng = np.random.default_rng(0)
    k, place = REGIONS[name]
    start, end, where = shown(rng, name, SETS * SHOWN)
    given = several(about(start, where), SETS)
    ends = torch.tensor(end, dtype=torch.float32).unflatten(0, (SETS, SHOWN))
    code, evidence = infer_curves(ends, given)
    found = evidence.isfinite()
    bounds = infer_region(k, ends, given.start, seen_from(ends, given))
    assert (bounds.evidence > 4).float().mean() >= 0.6
    right = []
    # Where all that was shown is the edge, the edge is what is understood.
    of_bounds = code[:, 3:].unflatten(-1, (-1, FEATURES))[:, WHERE.stop :].any(-1).any(-1)
    for row in (found & of_bounds).nonzero().squeeze(1):
        anywhere = rng.uniform(-1, 1, (64, 2))
        refs = where[int(row) * SHOWN]
        off = np.linalg.norm(place(anywhere, *refs) - anywhere, axis=-1)
        one = Context(*(part[row, :1] for part in given))
        asked = torch.tensor(anywhere[None], dtype=torch.float32)
        w = code[row : row + 1].clone()
        CURVES.without_pull(w)
        (energy,), _ = CURVES.value_and_gradient(asked, one, w)
        far = (energy / 20).sqrt().numpy()
        sure = (off == 0) | (off > 0.2)
        right.append(((far < 0.1) == (off == 0))[sure].mean())
    assert len(right) >= 3
    assert np.median(right) > 0.95


def test_places_anywhere_are_no_region():
    rng = np.random.default_rng(1)
    for k in range(4):
        start, end = rng.uniform(-1, 1, (2, 100 * SHOWN, 2))
        given = several(about(start, rng.uniform(-1, 1, (100 * SHOWN, k, 2))), 100)
        ends = torch.tensor(end, dtype=torch.float32).unflatten(0, (100, SHOWN))
        assert (
            infer_region(k, ends, given.start, seen_from(ends, given)).evidence > 4
        ).float().mean() <= 0.05


def test_inside_there_is_no_energy_and_outside_it_grows():
    rng = np.random.default_rng(3)
    start, end, where = shown(rng, 'left of a line', SHOWN)
    given = several(about(start, where), 1)
    code, evidence = infer_curves(torch.tensor(end, dtype=torch.float32)[None], given)
    found = evidence.isfinite()
    assert found
    CURVES.without_pull(code)
    asked = torch.tensor([[[-0.9, 0.5], [-0.4, 0.0], [-0.2, 0.0], [0.1, 0.0]]])
    one = Context(*(part[:, 0] for part in given))
    energy, slope = CURVES.value_and_gradient(asked, one, code)
    np.testing.assert_allclose(energy[0], [0, 0, 20 * 0.1**2, 20 * 0.4**2], atol=0.01)
    assert not slope[0, :2].any()
    assert (slope[0, 2:, 0] > 0).all()


def test_who_came_to_an_edge_from_within_shows_a_line():
    rng = np.random.default_rng(4)
    start, end, where = shown(rng, 'north of it', SHOWN)
    start[0], end[0] = where[0, 0] + (0.0, 0.4), where[0, 0] + (0.2, 0.1)
    end[:, 1] = where[:, 0, 1] + 0.1
    given = several(about(start, where), 1)
    code, evidence = infer_curves(torch.tensor(end, dtype=torch.float32)[None], given)
    found = evidence.isfinite()
    rows = code[0, 3:].unflatten(-1, (-1, FEATURES))
    assert found
    assert rows[0].any()
    assert not rows[WHERE.stop :].any()
