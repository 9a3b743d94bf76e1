# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Planners from outside, to compare with: the MPPI of PyPI's pytorch_mppi, and that of Judo.

How they sample, weigh and average is their own; splines, rollouts and cost are those of our
sampling planners, so that all solve the same problem. Nothing else here needs the packages.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.planning.planner import Planner
from ebm_concept_ros.planning.planners import make_planner
from ebm_concept_ros.planning.sampling import Costs, SamplingConfig, SamplingPlanner
from ebm_concept_ros.workspace import Workspace


class MissingPackage(ImportError):
    """The package is not installed; the message names it and how to get it."""


class TorchMppiConfig(SamplingConfig):
    """As many samples as the package takes by default, but colder.

    At its default temperature of 1 the arm stays two centimetres off the goal.
    """

    samples: int = Field(100, ge=2, le=4096, description='rollouts per iteration')
    temperature: float = Field(0.1, gt=0, le=1e3, description='lambda_, in units of the cost')


class TorchMppiPlanner(SamplingPlanner):
    """Each spline's knots are a sequence of actions; what it costs is known at its end."""

    config_type = TorchMppiConfig
    config: TorchMppiConfig

    def _improve(
        self, knots: np.ndarray, iterations: int, costs: Costs, rng: np.random.Generator
    ) -> np.ndarray:
        import torch
        from pytorch_mppi import MPPI

        n = knots.shape[1]

        def cost_of_sequences(_: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
            """Return (1, samples) of actions (1, samples, knots, n)."""
            values = costs(actions[0].numpy())
            # Where a rollout diverged: its weights would not be numbers.
            return torch.from_numpy(np.nan_to_num(values, posinf=1e9))[None]

        limits = torch.from_numpy(self._max_setpoint)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**63)))
            mppi = MPPI(
                lambda state, action: state,
                lambda state, action: torch.zeros(len(state), dtype=torch.float64),
                nx=1,
                noise_sigma=torch.eye(n, dtype=torch.float64) * self.config.noise_rad_s**2,
                num_samples=self.config.samples,
                horizon=len(knots),
                terminal_state_cost=cost_of_sequences,
                lambda_=self.config.temperature,
                u_min=-limits,
                u_max=limits,
                U_init=torch.from_numpy(knots.copy()),
            )
            for _ in range(iterations):
                mppi.command(torch.zeros(1), shift_nominal_trajectory=False)
        return mppi.U.numpy()


class JudoMppiConfig(SamplingConfig):
    """Judo's own temperature, 0.05, and number of rollouts, 16, are for tasks of its own."""

    temperature: float = Field(0.05, gt=0, le=1e3, description='in units of the cost')


class JudoMppiPlanner(SamplingPlanner):
    """Judo's optimizer, without its controller, whose rollouts are in threads of their own."""

    config_type = JudoMppiConfig
    config: JudoMppiConfig

    def _improve(
        self, knots: np.ndarray, iterations: int, costs: Costs, rng: np.random.Generator
    ) -> np.ndarray:
        from judo.optimizers import MPPI, MPPIConfig

        config = MPPIConfig(
            num_rollouts=self.config.samples,
            num_nodes=len(knots),
            sigma=self.config.noise_rad_s,
            temperature=self.config.temperature,
        )
        mppi = MPPI(config, knots.shape[1])
        before = np.random.get_state()  # noqa: NPY002, which is what it draws from
        np.random.seed(int(rng.integers(2**32)))  # noqa: NPY002
        try:
            for _ in range(iterations):
                samples = mppi.sample_control_knots(knots)
                samples = np.clip(samples, -self._max_setpoint, self._max_setpoint)
                knots = mppi.update_nominal_knots(samples, -costs(samples))
        finally:
            np.random.set_state(before)  # noqa: NPY002
        return knots


@dataclass(frozen=True)
class Outside:
    """A planner, the module that it imports, and how to install that."""

    kind: type[SamplingPlanner]
    module: str
    install: str


OUTSIDE = {
    'pytorch_mppi': Outside(TorchMppiPlanner, 'pytorch_mppi', 'pip install pytorch_mppi'),
    # What it requires would take MuJoCo back to 3.6; its optimizers need no MuJoCo.
    'judo_mppi': Outside(
        JudoMppiPlanner, 'judo', 'pip install viser && pip install --no-deps judo-rai'
    ),
}


def require_outside(name: str) -> None:
    """Raise MissingPackage where the package of a planner from outside is not installed."""
    outside = OUTSIDE[name]
    if importlib.util.find_spec(outside.module) is None:
        raise MissingPackage(f'the planner {name} needs the package: {outside.install}')


def planner_of(name: str, arm: ArmConfig, workspace: Workspace) -> Planner:
    """Return a planner of the package, or one from outside."""
    if name not in OUTSIDE:
        return make_planner(name, arm, workspace)
    require_outside(name)
    return OUTSIDE[name].kind(arm, workspace)
