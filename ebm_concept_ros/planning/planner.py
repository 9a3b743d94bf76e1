# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a planner is: from a state and an energy field to a plan. Each kind is one small file."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pydantic import Field, model_validator

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.config_files import Config
from ebm_concept_ros.planning.cost import CostWeights, ReachCost
from ebm_concept_ros.planning.motion_cost import Cost, GoalT
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.planning.policy import Plan, check_state, read_only
from ebm_concept_ros.workspace import Workspace


class PlanningFailed(RuntimeError):
    """No finite plan was found; the message names the reason. The last good plan stays good."""


class PlannerConfig(Config):
    """Horizon, effort and validity of plans, and what they cost."""

    step_s: float = Field(0.02, ge=0.002, le=0.1, description='planned step, s')
    horizon_s: float = Field(0.5, ge=0.05, le=5.0, description='a multiple of step_s, s')
    iterations: int = Field(1, ge=1, le=50, description='per plan that has a warm start')
    cold_iterations: int = Field(8, ge=1, le=100, description='per plan that has none')
    validity_s: float = Field(0.2, gt=0, le=5.0, description='no torque after this age, s')
    weights: CostWeights = CostWeights()

    @model_validator(mode='after')
    def _horizon_is_whole(self) -> PlannerConfig:
        steps = self.horizon_s / self.step_s
        if abs(steps - round(steps)) > 1e-6:
            raise ValueError(
                f'horizon_s {self.horizon_s} is not a multiple of step_s {self.step_s}'
            )
        if self.validity_s > self.horizon_s:
            raise ValueError(
                f'validity_s {self.validity_s} is longer than horizon_s {self.horizon_s}'
            )
        return self

    @property
    def steps(self) -> int:
        """Return N, the number of planned steps."""
        return round(self.horizon_s / self.step_s)


@dataclass(frozen=True)
class Solution:
    """What a planner found, in N steps: as a Plan has it, within the torque limits.

    addresses: of states, efforts and gains, where these are finite, of doubles, contiguous and not
    to be written to; then they are taken as they are.
    """

    states: np.ndarray
    efforts: np.ndarray
    gains: np.ndarray
    cost: float
    iterations: int
    addresses: tuple[int, int, int] | None = None


class Planner(ABC):
    """Plans torques that cost little: those of reaching take the effector down an energy field.

    Not for two threads at once.

    A kind of planner implements `_solve`, and is listed in planners.py. It keeps nothing from one
    plan to the next: all that it may start from is the plan before, so the same state, time, goal
    and plan give the same torques to the last bit.
    """

    config_type: type[PlannerConfig] = PlannerConfig
    # Whether torques that follow a plan add what friction takes, or are made with it in them.
    adds_friction = True

    def __init__(
        self,
        arm: ArmConfig,
        workspace: Workspace,
        config: PlannerConfig | None = None,
        cost_of: Callable[[PlanModel], Cost[GoalT]] | None = None,
    ) -> None:
        """cost_of: makes the cost in place of that of reaching, whose goals are energy fields."""
        self.config = self.config_type() if config is None else config
        if not isinstance(self.config, self.config_type):
            raise TypeError(
                f'config: {type(self.config).__name__}, {type(self).__name__} takes '
                f'{self.config_type.__name__}'
            )
        self.model = PlanModel(arm, self.config.step_s)
        self.cost: Cost[GoalT] = (
            ReachCost(arm, workspace, self.model, self.config.weights)
            if cost_of is None
            else cost_of(self.model)
        )
        self._limits = arm.effort_limits_nm
        # Of every plan: the same arrays, which nobody writes to.
        friction_nm = self.model.friction_nm * self.adds_friction
        self._friction_nm, self._limits_nm = (
            read_only(each) for each in (friction_nm, self._limits)
        )
        self._ends = self._friction_nm.ctypes.data, self._limits_nm.ctypes.data

    def plan(
        self,
        time_s: float,
        positions_rad: np.ndarray,
        velocities_rad_s: np.ndarray,
        goal: GoalT,
        warm_start: Plan | None = None,
    ) -> Plan:
        """Return a plan from the state (n,) rad, (n,) rad/s measured at `time_s`.

        goal: of the cost, an energy field for reaching.
        warm_start: the plan before; one that starts later than `time_s` is not used. Raises
        PlanningFailed when no finite plan is found, InvalidState when the state is not plausible.
        """
        began = time.perf_counter()
        if not math.isfinite(time_s):
            raise PlanningFailed(f'time_s: {time_s} is not finite')
        start = np.concatenate((positions_rad, velocities_rad_s), axis=None, dtype=float)
        check_state(start, self.model.num_joints)
        if warm_start is not None and not (
            0.0 <= time_s - warm_start.start_s < self.config.horizon_s
        ):
            warm_start = None
        solution = self._solved(time_s, start, goal, warm_start)
        made = {
            **{'start_s': float(time_s), 'expires_at_s': float(time_s) + self.config.validity_s},
            **{'step_s': self.config.step_s, 'states': solution.states},
            **{'efforts': solution.efforts, 'gains': solution.gains},
            **{'friction_nm': self._friction_nm, 'limits_nm': self._limits_nm},
            **{'cost': solution.cost, 'iterations': solution.iterations},
            'plan_time_s': time.perf_counter() - began,
        }
        if solution.addresses is not None:
            return Plan.trusted(made, (*solution.addresses, *self._ends))
        try:
            return Plan(**made)
        except ValueError as error:
            raise PlanningFailed(str(error)) from None

    def _solved(
        self, time_s: float, start: np.ndarray, goal: GoalT, warm_start: Plan | None
    ) -> Solution:
        with np.errstate(all='ignore'):
            return self._solve(time_s, start, goal, warm_start)

    @abstractmethod
    def _solve(
        self, time_s: float, start: np.ndarray, goal: GoalT, warm_start: Plan | None
    ) -> Solution:
        """Return the best found from `start` (2n,), a plausible state.

        warm_start: the plan before, already begun and not yet over at `time_s`, or None.
        """
