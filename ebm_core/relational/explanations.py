# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What explains where one mover came to be: a map, a curve, a place, a region, or the network.

Shapes: C codes, M demonstrations, P participants with F features, D numbers of a code.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..world.scene import MOVABLE, POSITION
from .curve_search import infer_curves, infer_places
from .curves import Context, context_of
from .energy import Energy
from .map_fits import missed_by, shown_in
from .noisy_search import curves_by_evidence, maps_by_evidence, places_by_evidence
from .sight import changes_colour

EXACTLY_SEEN = 0.005  # particle units; what is seen with less noise is as good as exact
# A map that misses exact demonstrations by more gives way to a curve that misses them by less.
_ON_IT = 0.002
FEW = 3  # demonstrations, which leave too little over to judge each by the others
# By how much demonstrations have to speak for a map or a curve: noisy ones say little of others.
NATS = 1.0
# What the network's residuals count for beside a curve: they say where on it, and of one that
# nobody trained they say little that is right.
_BESIDE_CURVES = 0.1


def with_curves(
    energy: Energy,
    codes: Tensor,
    states: Tensor,
    gates: Tensor,
    roles: Tensor | None,
    seen: Tensor | None = None,
) -> Tensor:
    """Return action codes (C, D) with the curves that M demonstrations lie on; see `explained`."""
    return explained(energy, codes, states, gates, roles, seen)[0]


def explained(
    energy: Energy,
    codes: Tensor,
    states: Tensor,
    gates: Tensor,
    roles: Tensor | None,
    seen: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return action codes (C, D) with curves, and by how much these are more likely than chance.

    The evidence (C,) is in nats, of all demonstrations together; -inf where there is no curve.
    states: x⁰ and x¹ (C, M, 2, P, F), the one mover first; gates: (C, M, P) of 0 and 1; roles:
    (C, M, P, R) or None. Where more move, or through more states, there are none; nor beside maps.
    seen: (C,) the noise of what is seen, None where it is not known; where there is some, or where
    demonstrations are FEW, maps and curves are those that the demonstrations speak for.
    """
    none = codes.new_full((len(codes),), -torch.inf)
    if energy.curves is None or energy.maps is None or states.shape[2] != 2 or not len(states):
        return codes, none
    columns, place = energy.curves.columns, states[..., POSITION]
    others = None if roles is None else roles[:, :, 1:]
    about = context_of(place[:, :, 0, 1:], gates[:, :, 1:], place[:, :, 0, 0], others)
    seen = states.new_zeros(len(states)) if seen is None else seen
    by_evidence = (seen > EXACTLY_SEEN) | (states.shape[1] <= FEW)
    if by_evidence.any():
        rows = by_evidence.nonzero().squeeze(1)
        given = (states, gates, roles, *about, seen)
        some = [None if part is None else part[rows] for part in given]
        codes, evidence = codes.clone(), none
        codes[rows], evidence[rows] = _by_evidence(
            energy, codes[rows], *some[:3], Context(*some[3:6]), some[6]
        )
        exact = (~by_evidence).nonzero().squeeze(1)
        if len(exact):
            of = None if roles is None else roles[exact]
            codes[exact], evidence[exact] = explained(
                energy, codes[exact], states[exact], gates[exact], of
            )
        return codes, evidence
    is_map = codes[:, energy.maps.columns.start] > 0.5
    if is_map.any():
        layout = energy.maps.layout
        shown = shown_in(states, gates, roles, layout.entities)
        is_exact = missed_by(codes[:, energy.maps.columns], shown, layout) < EXACTLY_SEEN
        if (is_map & is_exact).all():
            return codes, none
    code, evidence = infer_curves(place[:, :, 1, 0], about)
    one_mover = ((states[:, :, 0, :, MOVABLE] * gates).sum(-1) - 1).abs().amax(-1) < 0.5
    found = evidence.isfinite() & one_mover
    scale = torch.ones_like(codes[0])
    scale[: energy.network_code + 1] = _BESIDE_CURVES
    curve = pad(code, (columns.start, codes.shape[-1] - columns.stop))
    if is_map.any():
        is_near = energy.curves.missed(curve, place[:, :, 1, 0], about) < _ON_IT
        found &= ~is_map | (~is_exact & is_near)
    without_map = codes.clone()
    without_map[:, energy.maps.columns] = 0.0
    curve = scale * without_map + curve
    return torch.where(found.unsqueeze(-1), curve, codes), torch.where(found, evidence, none)


def _by_evidence(
    energy: Energy,
    codes: Tensor,
    states: Tensor,
    gates: Tensor,
    roles: Tensor | None,
    about: Context,
    seen: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return the same as `explained`, by evidence under noise that is seen, (C,)."""
    maps, curves = energy.maps, energy.curves
    shown = shown_in(states, gates, roles, maps.layout.entities)
    found, for_map, stays = maps_by_evidence(shown, seen)
    of_map = maps.code_of(shown, found).to(codes)
    end = states[:, :, 1, 0, POSITION]
    of_curve, for_curve = curves_by_evidence(end, about, seen)
    of_place, for_place = infer_places(end, about)
    noisy = seen > EXACTLY_SEEN
    if noisy.any():
        of_noisy, for_noisy = places_by_evidence(end, about, seen)
        of_place = torch.where(noisy.unsqueeze(-1), of_noisy, of_place)
        for_place = torch.where(noisy, for_noisy.to(for_place), for_place)
    is_place = for_place > torch.maximum(for_map, for_curve)
    of_curve = torch.where(is_place.unsqueeze(-1), of_place, of_curve)
    for_curve = torch.where(is_place, for_place.to(for_curve), for_curve)
    acts = shown.may_be_map & ~changes_colour(states)
    is_by_map = for_map > for_curve
    is_map = acts & is_by_map & ~stays & (for_map > NATS)
    is_curve = acts & ~is_by_map & (for_curve > NATS)
    size = codes.shape[-1]
    network = codes.clone()
    network[:, maps.columns] = 0.0
    a_map = pad(of_map, (maps.columns.start, size - maps.columns.stop))
    scale = torch.ones_like(codes[0])
    scale[: energy.network_code + 1] = _BESIDE_CURVES
    curve = scale * network + pad(of_curve, (curves.columns.start, size - curves.columns.stop))
    codes = torch.where(is_curve.unsqueeze(-1), curve, codes)
    evidence = torch.where(is_curve, for_curve, -torch.inf).to(codes)
    return torch.where(is_map.unsqueeze(-1), a_map, codes), evidence
