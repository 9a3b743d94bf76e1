"""The fast training step is the plain one: the same loss and the same gradients."""

import numpy as np
import pytest
import torch

from benchmarks.plain import plain_losses
from ebm_core import objective
from ebm_core.config import ModelConfig, Preset
from ebm_core.events import sample_placements
from ebm_core.events.placement import generation_events, identification_events
from ebm_core.training import Learner


@pytest.mark.parametrize('seed', [0, 1])
def test_losses_and_gradients_agree(seed, monkeypatch):
    torch.set_default_dtype(torch.double)
    monkeypatch.setattr(
        objective, 'tensors', lambda *a, f=objective.tensors: tuple(t.double() for t in f(*a))
    )
    try:
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        learner = Learner(Preset(model=ModelConfig(hidden=16, residuals=3, code_size=4)))
        concepts = sample_placements(rng, 6)
        batch = (
            generation_events(concepts, rng.integers(6, size=6), 5, rng),
            identification_events(concepts, 2, rng),
        )
        options = {'kl_weight': 1.0, 'positive_weight': 0.1}
        results = []
        for function in (objective.losses, plain_losses):
            learner.zero_grad()
            torch.manual_seed(seed)
            total = function(learner.energy, learner.sampler, *batch, 3, **options)
            total = getattr(total, 'total', total)
            total.backward()
            results.append((total.detach(), [p.grad.clone() for p in learner.parameters()]))
    finally:
        torch.set_default_dtype(torch.float)
    (fast, fast_gradients), (plain, plain_gradients) = results
    torch.testing.assert_close(fast, plain, rtol=1e-9, atol=0)
    for a, b in zip(fast_gradients, plain_gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-8)
