# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The fast training step is the plain one: the same losses and the same gradients."""

from dataclasses import fields, replace
from functools import partial

import numpy as np
import pytest
import torch

from benchmarks.plain import plain_losses
from ebm_core.concepts import concepts_of
from ebm_core.relational.config import ModelConfig
from ebm_core.relational.learner import Learner
from ebm_core.relational.objective import LossConfig, losses
from ebm_core.relational.task import Events, Task, make_task

EVERY_KIND = (('placement', 'region', 'proximity'), ('shape',), ('colour',), ('quantity',))


@pytest.fixture(autouse=True)
def in_double():
    torch.set_default_dtype(torch.double)
    yield
    torch.set_default_dtype(torch.float)


def doubled(task):
    """Return the task with events of the default dtype."""

    def events(value):
        if not isinstance(value, Events):
            return value
        return value.map(lambda t: t.double() if t.is_floating_point() else t)

    return replace(task, **{f.name: events(getattr(task, f.name)) for f in fields(Task)})


def drawn(kinds, seed, contexts=('generation', 'identification')):
    rng = np.random.default_rng(seed)
    tasks = []
    for families in kinds:
        known = [c for family in families for c in concepts_of(family)]
        concepts = [known[i].variant(rng) for i in rng.integers(len(known), size=3)]
        tasks.append(doubled(make_task(concepts, rng, 3, 2, contexts=contexts)))
    return tasks


def assert_same(tasks, weights=LossConfig(), seed=0, lean=True, **model):  # noqa: B008 (frozen)
    sizes = {'hidden': 16, 'residuals': 3, 'code_size': 4, 'sampler_steps': 5, **model}
    torch.manual_seed(seed)
    learner = Learner(ModelConfig(**sizes))
    # Biases start at zero, where a bias in the wrong place would go unnoticed.
    for parameter in learner.energy.parameters():
        torch.nn.init.normal_(parameter, std=parameter.shape[0] ** -0.5)
    results = []
    for function in (losses, partial(plain_losses, lean=lean)):
        learner.zero_grad()
        torch.manual_seed(seed)
        of = function(learner.energy, learner.sampler, tasks, weights)
        total = of.likelihood + 0.7 * of.kl if weights.kl else of.likelihood
        total.backward()
        results.append((of, {name: p.grad for name, p in learner.named_parameters()}))
        assert torch.isfinite(total)
    (fast, fast_gradients), (plain, plain_gradients) = results
    for name, value in vars(fast).items():
        torch.testing.assert_close(value, getattr(plain, name), rtol=1e-9, atol=0, msg=name)
    compared = 0
    for name, gradient in fast_gradients.items():
        other = plain_gradients[name]
        if gradient is None or other is None:
            # A sampler's step size of a variable that no task moves.
            assert gradient is None and other is None, name
            continue
        scale = float(other.abs().max())
        torch.testing.assert_close(gradient, other, rtol=1e-5, atol=1e-7 * scale, msg=name)
        compared += scale > 0
    assert compared >= len(list(learner.energy.parameters()))


@pytest.mark.parametrize(
    'families', [('placement', 'region', 'proximity'), ('shape',), ('colour',), ('temporal',)]
)
def test_losses_and_gradients_agree(families):
    assert_same(drawn([families], seed=0))


@pytest.mark.parametrize(
    'weights', [LossConfig(kl=False), LossConfig(kl_into_energy=False, direction=2.0)]
)
@pytest.mark.parametrize('relational', [True, False])
def test_of_a_step_with_every_kind(relational, weights):
    tasks = drawn([*EVERY_KIND, ('temporal',)], seed=1)
    assert_same(tasks, weights, seed=1, relational=relational)


@pytest.mark.parametrize('context', ['generation', 'identification'])
def test_of_one_context(context):
    assert_same(drawn([('placement',)], seed=2, contexts=(context,)), seed=2)


def test_of_candidates_that_share_nothing():
    assert_same(drawn([('placement', 'region'), ('temporal',)], seed=3), lean=False, seed=3)
