# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Losses and gradients replayed from CUDA graphs.

A step of a small network is thousands of tiny kernels, and a GPU waits for each to be launched. A
graph launches all of them at once. It always computes the same on the same memory: batches are
copied to where the first one was, and a batch of other shapes or another phase of the training is
another graph.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, fields, is_dataclass

import torch
from torch import Tensor, nn

from ..protocols import Batch, StepLosses

_EAGER_STEPS = 3  # before a graph is captured, as PyTorch asks for

Compute = Callable[[Batch], StepLosses]


def tensors_of(batch: object) -> Iterator[Tensor]:
    """Yield all tensors of nested lists, tuples and dataclasses, always in the same order."""
    if isinstance(batch, Tensor):
        yield batch
    elif isinstance(batch, (list, tuple)):
        for part in batch:
            yield from tensors_of(part)
    elif is_dataclass(batch):
        for field in fields(batch):
            yield from tensors_of(getattr(batch, field.name))


@dataclass(frozen=True)
class _Captured:
    graph: torch.cuda.CUDAGraph
    inputs: tuple[Tensor, ...]
    losses: StepLosses
    gradients: tuple[Tensor | None, ...]


class GraphedLosses:
    """Computes losses and their gradients, from the fourth time on by replaying a graph."""

    def __init__(self, module: nn.Module) -> None:
        """Prepare to differentiate by a module's parameters."""
        self._parameters = tuple(module.parameters())
        self._captured: dict[Hashable, _Captured] = {}
        self._seen: dict[Hashable, int] = {}
        self._stream = torch.cuda.Stream()

    def __call__(self, compute: Compute, batch: Batch, phase: Hashable) -> StepLosses:
        """Return compute(batch), and leave the gradients in the parameters.

        phase: what else decides on the computation. The next call overwrites the results.
        """
        key = (phase, *((t.shape, t.dtype) for t in tensors_of(batch)))
        if key in self._captured:
            return self._replay(self._captured[key], batch)
        self._seen[key] = self._seen.get(key, 0) + 1
        self._stream.wait_stream(torch.cuda.current_stream())
        if self._seen[key] <= _EAGER_STEPS:
            with torch.cuda.stream(self._stream):
                losses = self._differentiate(compute, batch)
            torch.cuda.current_stream().wait_stream(self._stream)
            return losses
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            losses = self._differentiate(compute, batch)
        gradients = tuple(p.grad for p in self._parameters)
        captured = _Captured(graph, tuple(tensors_of(batch)), losses, gradients)
        self._captured[key] = captured
        return self._replay(captured, batch)

    def _differentiate(self, compute: Compute, batch: Batch) -> StepLosses:
        for parameter in self._parameters:
            parameter.grad = None
        losses = compute(batch)
        losses.total.backward()
        parts = {name: part.detach() for name, part in losses.parts.items()}
        return StepLosses(losses.total.detach(), parts)

    def _replay(self, captured: _Captured, batch: Batch) -> StepLosses:
        for place, value in zip(captured.inputs, tensors_of(batch), strict=True):
            if place is not value:
                place.copy_(value)
        captured.graph.replay()
        for parameter, gradient in zip(self._parameters, captured.gradients, strict=True):
            parameter.grad = gradient
        return captured.losses
