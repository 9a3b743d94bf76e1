# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A planner from outside, to compare with: the MPPI of the PyPI package pytorch_mppi.

How it samples, weighs and averages is its own; splines, rollouts and cost are those of our sampling
planners, so that both solve the same problem. The package is needed by nothing else here.
"""

from __future__ import annotations

import importlib.util

import numpy as np
from pydantic import Field

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.planning.planner import Planner
from ebm_concept_ros.planning.planners import make_planner
from ebm_concept_ros.planning.sampling import Costs, SamplingConfig, SamplingPlanner
from ebm_concept_ros.workspace import Workspace

OUTSIDE = 'pytorch_mppi'


class MissingPackage(ImportError):
    """The package is not installed; the message names it and how to get it."""


class OutsideConfig(SamplingConfig):
    """As many samples as the package takes by default, but colder.

    At its default temperature of 1 the arm stays two centimetres off the goal.
    """

    samples: int = Field(100, ge=2, le=4096, description='rollouts per iteration')
    temperature: float = Field(0.1, gt=0, le=1e3, description='lambda_, in units of the cost')


class OutsidePlanner(SamplingPlanner):
    """Each spline's knots are a sequence of actions; what it costs is known at its end."""

    config_type = OutsideConfig
    config: OutsideConfig

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

        limits = torch.from_numpy(self._max_drive)
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


def require_outside() -> None:
    """Raise MissingPackage where pytorch_mppi is not installed."""
    if importlib.util.find_spec(OUTSIDE) is None:
        raise MissingPackage(f'the planner {OUTSIDE} needs the package: pip install {OUTSIDE}')


def planner_of(name: str, arm: ArmConfig, workspace: Workspace) -> Planner:
    """Return a planner of the package, or the one from outside."""
    if name != OUTSIDE:
        return make_planner(name, arm, workspace)
    require_outside()
    return OutsidePlanner(arm, workspace)
