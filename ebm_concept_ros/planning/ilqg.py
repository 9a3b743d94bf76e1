# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""iLQG with torque limits: box-constrained differential dynamic programming.

Tassa, Mansard and Todorov, "Control-limited differential dynamic programming" (ICRA 2014), with
Gauss-Newton Hessians and linearised dynamics. What is here is the readable version; where the
compiled one can plan for the arm, it does (`kernel.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.planning.box_qp import NotConvex, solve_box_qp
from ebm_concept_ros.planning.compiled_cost import CompiledCost
from ebm_concept_ros.planning.compiled_reach_cost import compiled_reach_cost
from ebm_concept_ros.planning.kernel import IlqgKernel
from ebm_concept_ros.planning.kernel_arm import NoKernel
from ebm_concept_ros.planning.motion_cost import Cost, GoalT, Quadratic
from ebm_concept_ros.planning.plan_model import PlanModel, Rollout
from ebm_concept_ros.planning.planner import Planner, PlannerConfig, PlanningFailed, Solution
from ebm_concept_ros.planning.policy import Plan
from ebm_concept_ros.workspace import Workspace

__all__ = ['IlqgPlanner', 'PlannerConfig', 'PlanningFailed']

_LINE_SEARCH = (1.0, 0.5, 0.25, 0.1, 0.03)
_REGULARISATION = (1e-6, 1e3)


class IlqgPlanner(Planner):
    """Newton-like descent on the torques; its gains are the optimal feedback around the plan.

    why_not_compiled: why plans are not the compiled kernel's, or nothing. Where it cannot plan for
    the arm, the dynamics are linearised by finite differences.
    """

    def __init__(
        self,
        arm: ArmConfig,
        workspace: Workspace,
        config: PlannerConfig | None = None,
        compiled: bool = True,
        cost_of: Callable[[PlanModel], Cost[GoalT]] | None = None,
        compiled_cost: Callable[[Cost[GoalT]], CompiledCost[GoalT]] = compiled_reach_cost,
    ) -> None:
        """compiled: False for the readable version, on derivatives in closed form too.

        cost_of: as of `Planner`. compiled_cost: takes that cost to the kernel, of which it is one.
        """
        super().__init__(arm, workspace, config, cost_of)
        self._closed_form = not compiled
        self._kernel: IlqgKernel | None = None
        self.why_not_compiled = '' if compiled else 'the readable version was asked for'
        if compiled:
            try:
                self._kernel = IlqgKernel(
                    *(self.model, compiled_cost(self.cost), self.config, self._limits),
                    *(_LINE_SEARCH, _REGULARISATION),
                )
            except NoKernel as reason:
                self.why_not_compiled = str(reason)

    def _solved(
        self, time_s: float, start: np.ndarray, goal: GoalT, warm_start: Plan | None
    ) -> Solution:
        if self._kernel is not None:
            return self._kernel.solve(time_s, start, goal, warm_start)
        return super()._solved(time_s, start, goal, warm_start)

    def _solve(
        self, time_s: float, start: np.ndarray, goal: GoalT, warm_start: Plan | None
    ) -> Solution:
        if warm_start is not None:
            rollout = self._shifted(time_s, start, warm_start)
            iterations = self.config.iterations
        else:
            rollout, iterations = self._at_rest(start), self.config.cold_iterations
        cost = float(self.cost.value(rollout, goal))
        if not np.isfinite(cost):
            raise PlanningFailed('the initial rollout diverged')
        regularisation = _REGULARISATION[0]
        gains, done = None, 0
        while done < iterations:
            done += 1
            derivatives = self.model.linearise(rollout, self._closed_form)
            quadratic = self.cost.quadratic(rollout, derivatives, goal)
            feedforward, gains, regularisation = self._backward(
                rollout, derivatives.dynamics, quadratic, regularisation
            )
            better = self._line_search(rollout, cost, feedforward, gains, goal)
            if better is None:
                regularisation = min(regularisation * 100, _REGULARISATION[1])
                continue
            improvement, (rollout, cost) = cost - better[1], better
            regularisation = max(regularisation / 10, _REGULARISATION[0])
            if improvement < 1e-6 * max(cost, 1e-3):
                break
        return Solution(rollout.states, rollout.efforts, gains, cost, done)

    def _at_rest(self, start: np.ndarray) -> Rollout:
        """Return the rollout that only carries the arm's weight and brakes."""
        n, steps = self.model.num_joints, self.config.steps
        braking = np.zeros((n, 2 * n))
        inertia = np.zeros((n, n))
        self.model.bias_nm(start[:n], start[n:])
        mujoco.mj_fullM(self.model.model, self.model.data, inertia)
        braking[:, n:] = -np.diag(np.diag(inertia)) / (4 * self.config.step_s)
        gains = np.broadcast_to(braking, (steps, n, 2 * n))
        reference = np.zeros((steps, 2 * n))
        return self.model.rollout(
            start, np.zeros((steps, n)), self._limits, gains, reference, excess=True
        )

    def _shifted(self, time_s: float, start: np.ndarray, plan: Plan) -> Rollout:
        """Return the rollout of the plan before from here on, its last torque kept at the end."""
        steps = self.config.steps
        knots = (time_s - plan.start_s) / self.config.step_s + np.arange(steps)
        index = np.minimum(knots.astype(int), len(plan.efforts) - 1)
        part = np.minimum(knots - index, 1.0)[:, None]
        reference = plan.states[index] * (1 - part) + plan.states[index + 1] * part
        after = np.minimum(index + 1, len(plan.efforts) - 1)
        efforts = plan.efforts[index] * (1 - part) + plan.efforts[after] * part
        return self.model.rollout(start, efforts, self._limits, plan.gains[index], reference)

    def _backward(
        self,
        rollout: Rollout,
        dynamics: np.ndarray,
        quadratic: Quadratic,
        regularisation: float,
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Return feed-forward (N, n), gains (N, n, 2n) and the regularisation that sufficed."""
        while True:
            try:
                return (
                    *self._backward_pass(rollout, dynamics, quadratic, regularisation),
                    regularisation,
                )
            except NotConvex:
                regularisation *= 10
                if regularisation > _REGULARISATION[1]:
                    raise PlanningFailed('the backward pass found no convex model') from None

    def _backward_pass(
        self,
        rollout: Rollout,
        dynamics: np.ndarray,
        quadratic: Quadratic,
        regularisation: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        n, m = self.model.num_joints, 2 * self.model.num_joints
        steps = len(dynamics)
        # Q's own cost, state then effort in one block; the regularisation is relative to the
        # torques' own scale, so that it means the same for every joint.
        own = np.concatenate([quadratic.state[:-1], quadratic.effort], axis=1)
        own_hessian = np.zeros((steps, m + n, m + n))
        own_hessian[:, :m, :m] = quadratic.state_hessian[:-1]
        diagonal = np.arange(m, m + n)
        own_hessian[:, diagonal, diagonal] = quadratic.effort_hessian * (1 + 1e3 * regularisation)
        low, high = -self._limits - rollout.efforts, self._limits - rollout.efforts

        feedforward, gains = np.empty((steps, n)), np.empty((steps, n, m))
        value, hessian = quadratic.state[-1], quadratic.state_hessian[-1]
        right = np.empty((n, 1 + m))
        for k in range(steps - 1, -1, -1):
            f = dynamics[k]
            q = own[k] + value @ f
            qq = own_hessian[k] + f.T @ (hessian @ f)
            right[:, 0], right[:, 1:] = q[m:], qq[m:, :m]
            step_and_gain = solve_box_qp(qq[m:, m:], right, low[k], high[k])
            feedforward[k], gains[k] = step_and_gain[:, 0], step_and_gain[:, 1:]
            # At the box optimum every row has either a zero gain or a zero slope, which leaves
            # only the cross terms.
            change = qq[:m, m:] @ step_and_gain
            value = q[:m] + change[:, 0]
            hessian = qq[:m, :m] + change[:, 1:]
            hessian = 0.5 * (hessian + hessian.T)
        return feedforward, gains

    def _line_search(
        self,
        rollout: Rollout,
        cost: float,
        feedforward: np.ndarray,
        gains: np.ndarray,
        goal: GoalT,
    ) -> tuple[Rollout, float] | None:
        for share in _LINE_SEARCH:
            candidate = self.model.rollout(
                rollout.states[0],
                rollout.efforts + share * feedforward,
                self._limits,
                gains,
                rollout.states,
            )
            candidate_cost = float(self.cost.value(candidate, goal))
            if candidate_cost < cost:
                return candidate, candidate_cost
        return None
