# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Kinds whose concepts ask for one place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from .kind import Kind, Parameters, anchor, chance, directions, draw_anchor, uniform


@dataclass(frozen=True)
class Point(Kind):
    """An affine combination of references and an offset; without references, an absolute place."""

    single_goal: ClassVar[bool] = True

    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        return draw_anchor(references, ordered, centred=0.1)

    def nearest(self, p: Parameters, place: Tensor, start: Tensor, references: Tensor) -> Tensor:
        return anchor(p, references)


@dataclass(frozen=True)
class Mirror(Kind):
    """A linear combination of absolute positions: the mirror image in the centre, say."""

    single_goal: ClassVar[bool] = True

    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        p = draw_anchor(references, ordered, centred=1.0)
        factors = uniform(-1.2, 1.2, len(references), 1, device=references.device)
        return {**p, 'alpha': p['alpha'] * factors}

    def nearest(self, p: Parameters, place: Tensor, start: Tensor, references: Tensor) -> Tensor:
        return anchor(p, references)


@dataclass(frozen=True)
class Frame(Kind):
    """A place in the frame of two references: turned from their line, at a multiple of it."""

    single_goal: ClassVar[bool] = True

    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        count, device = len(references), references.device
        angle = uniform(-math.pi, math.pi, count, device=device)
        step = math.pi / 6
        angle = torch.where(chance(0.4, count, device), (angle / step).round() * step, angle)
        scale = uniform(0.25, 1.3, count, device=device)
        scale = torch.where(chance(0.3, count, device), 1.0, scale)
        complex_scale = torch.stack((scale * angle.cos(), scale * angle.sin()), -1)
        return {'along_across': complex_scale}

    def nearest(self, p: Parameters, place: Tensor, start: Tensor, references: Tensor) -> Tensor:
        way = references[:, :, 1] - references[:, :, 0]
        across = torch.stack((-way[..., 1], way[..., 0]), -1)
        along, beside = p['along_across'][:, None].unbind(-1)
        return references[:, :, 0] + along[..., None] * way + beside[..., None] * across


@dataclass(frozen=True)
class Towards(Kind):
    """A part of the way from where the actor was to an anchor: halfway, beyond it, or back."""

    relative: ClassVar[bool] = True
    single_goal: ClassVar[bool] = True

    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        count, device = len(references), references.device
        share = uniform(-0.6, 2.1, count, device=device)
        usual = torch.tensor((0.5, 2.0, -1.0, 1 / 3), device=device)
        usual = usual[torch.randint(len(usual), (count,), device=device)]
        share = torch.where(chance(0.3, count, device), usual, share)
        return {**draw_anchor(references, ordered, centred=0.8), 'share': share}

    def nearest(self, p: Parameters, place: Tensor, start: Tensor, references: Tensor) -> Tensor:
        return start + p['share'][:, None, None] * (anchor(p, references) - start)


@dataclass(frozen=True)
class Step(Kind):
    """A step from where the actor was, in a direction."""

    relative: ClassVar[bool] = True
    single_goal: ClassVar[bool] = True

    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        count, device = len(references), references.device
        length = uniform(0.15, 0.8, count, 1, device=device)
        return {'step': length * directions(count, device, upright=0.4)}

    def nearest(self, p: Parameters, place: Tensor, start: Tensor, references: Tensor) -> Tensor:
        return start + p['step'][:, None]


@dataclass(frozen=True)
class StepTowards(Kind):
    """A step of a fixed length towards (away from, around) an anchor from where the actor was."""

    relative: ClassVar[bool] = True
    single_goal: ClassVar[bool] = True

    def draw(self, references: Tensor, ordered: Tensor) -> Parameters:
        count, device = len(references), references.device
        length = uniform(0.15, 0.5, count, device=device)
        turn = uniform(-math.pi, math.pi, count, device=device)
        quarter = math.pi / 2
        turn = torch.where(chance(0.7, count, device), (turn / quarter).round() * quarter, turn)
        step = torch.stack((length * turn.cos(), length * turn.sin()), -1)
        return {**draw_anchor(references, ordered, centred=1.0), 'along_across': step}

    def nearest(self, p: Parameters, place: Tensor, start: Tensor, references: Tensor) -> Tensor:
        way = anchor(p, references) - start
        way = way / torch.linalg.vector_norm(way, dim=-1, keepdim=True).clamp_min(1e-6)
        across = torch.stack((-way[..., 1], way[..., 0]), -1)
        along, beside = p['along_across'][:, None].unbind(-1)
        return start + along[..., None] * way + beside[..., None] * across
