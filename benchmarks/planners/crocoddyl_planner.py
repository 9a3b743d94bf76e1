# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Crocoddyl's box-constrained FDDP on our arm and, as far as it has such terms, on our cost.

It is a `Planner`, so its torques are rolled out on our model and judged by our cost. Pinocchio's
arm is built of the numbers of `ArmDynamics`: the same masses, armatures and axes. What differs:

* the goal is a place, not a field, whose cost is the same where the field is a bowl around it;
* joints have no damping (Jaco's have 0.01 N·m·s/rad);
* tilt is the rotation vector from the hand's direction at home, not the direction itself;
* the torque that costs is that beyond gravity, not that beyond gravity and motion.

Mastalli et al., "Crocoddyl: An efficient and versatile framework for multi-contact optimal control"
(ICRA 2020); "A feasibility-driven approach to control-limited DDP" (Autonomous Robots 2022).
"""

from __future__ import annotations

import crocoddyl
import numpy as np
import pinocchio

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.planning.arm_dynamics import ArmDynamics
from ebm_concept_ros.planning.cost import HEIGHT_SCALE_M
from ebm_concept_ros.planning.motion_cost import SOFT_RANGE_RAD, SOFT_SPEED
from ebm_concept_ros.planning.planner import Planner, PlannerConfig, PlanningFailed, Solution
from ebm_concept_ros.planning.policy import Plan
from ebm_concept_ros.workspace import Workspace

_LEAST_REGULARISATION = 1e-9
_SITE = 'effector'


class CrocoddylPlanner(Planner):
    """Plans to a goal in the plane, (2,) particle units, which `aim` takes before."""

    def __init__(
        self, arm: ArmConfig, workspace: Workspace, config: PlannerConfig | None = None
    ) -> None:
        super().__init__(arm, workspace, config)
        self._arm, self._workspace = arm, workspace
        model = pinocchio_arm(self.model.dynamics)
        self._places: list[crocoddyl.ResidualModelFrameTranslation] = []
        state = crocoddyl.StateMultibody(model)
        # A step's cost is multiplied with its length, the last knot's is not.
        running = self._knot(state, 1.0 / self.config.step_s, self.config.step_s)
        self._last = self._knot(state, self.config.weights.terminal, 0.0)
        n = state.nv
        self._problem = crocoddyl.ShootingProblem(
            np.zeros(2 * n), [running] * self.config.steps, self._last
        )
        self._problem.nthreads = 1
        self._solver = crocoddyl.SolverBoxFDDP(self._problem)

    def aim(self, goal: np.ndarray) -> None:
        """Take a goal (2,), particle units."""
        place = self._workspace.to_base(goal)
        for residual in self._places:
            residual.reference = np.append(place, self._workspace.hover_height_in_base_m)

    @property
    def own_cost(self) -> float:
        """What the last plan costs by Crocoddyl's terms and rollout."""
        return float(self._solver.cost)

    def _solve(
        self, time_s: float, start: np.ndarray, goal: object, warm_start: Plan | None
    ) -> Solution:
        del time_s, warm_start
        self._problem.x0 = start
        n, steps = self.model.num_joints, self.config.steps
        resting = [self.model.bias_nm(start[:n], start[n:])] * steps
        states = self._problem.rollout(resting)
        self._solver.solve(
            states, resting, self.config.cold_iterations, True, _LEAST_REGULARISATION
        )
        rollout = self.model.rollout(start, np.array(self._solver.us), self._limits)
        cost = float(self.cost.value(rollout, goal))
        if not np.isfinite(cost):
            raise PlanningFailed('the rollout diverged')
        gains = -np.array(self._solver.K)
        return Solution(rollout.states, rollout.efforts, gains, cost, self._solver.iter)

    def _knot(
        self, state: crocoddyl.StateMultibody, scale: float, step_s: float
    ) -> crocoddyl.IntegratedActionModelEuler:
        w, n = self.config.weights, state.nv
        actuation = crocoddyl.ActuationModelFull(state)
        frame = state.pinocchio.getFrameId(_SITE)
        costs = crocoddyl.CostModelSum(state)

        def add(name: str, weights: np.ndarray, residual: crocoddyl.ResidualModelAbstract) -> None:
            activation = crocoddyl.ActivationModelWeightedQuad(2.0 * scale * weights)
            costs.addCost(name, crocoddyl.CostModelResidual(state, activation, residual), 1.0)

        plane = w.energy / self._workspace.metres_per_unit**2
        place = crocoddyl.ResidualModelFrameTranslation(state, frame, np.zeros(3))
        self._places.append(place)
        add('place', np.array([plane, plane, w.height / HEIGHT_SCALE_M**2]), place)
        turn = crocoddyl.ResidualModelFrameRotation(state, frame, self._down(state, frame))
        add('tilt', np.array([w.tilt, w.tilt, 0.0]), turn)
        speed = np.concatenate([np.zeros(n), np.full(n, w.velocity)])
        add('speed', speed, crocoddyl.ResidualModelState(state, np.zeros(2 * n)))
        if step_s > 0.0:
            effort = w.effort / self._arm.effort_limits_nm**2
            add('effort', effort, crocoddyl.ResidualModelControlGrav(state))
        costs.addCost('limits', self._soft_limits(state, scale), 1.0)
        dynamics = crocoddyl.DifferentialActionModelFreeFwdDynamics(state, actuation, costs)
        dynamics.armature = self.model.dynamics.armature
        knot = crocoddyl.IntegratedActionModelEuler(dynamics, step_s)
        knot.u_lb, knot.u_ub = -self._arm.effort_limits_nm, self._arm.effort_limits_nm
        return knot

    def _soft_limits(
        self, state: crocoddyl.StateMultibody, scale: float
    ) -> crocoddyl.CostModelResidual:
        w, speeds = self.config.weights, self._arm.velocity_limits_rad_s
        low, high = self.model.joint_ranges_rad.T
        bounds = crocoddyl.ActivationBounds(
            np.concatenate([low + SOFT_RANGE_RAD, -SOFT_SPEED * speeds]),
            np.concatenate([high - SOFT_RANGE_RAD, SOFT_SPEED * speeds]),
        )
        # A barrier's weights are squared.
        in_range = np.full(len(low), np.sqrt(w.joint_limit) / SOFT_RANGE_RAD)
        in_speed = np.sqrt(w.velocity_limit) / ((1.0 - SOFT_SPEED) * speeds)
        weights = np.sqrt(2.0 * scale) * np.concatenate([in_range, in_speed])
        return crocoddyl.CostModelResidual(
            state,
            crocoddyl.ActivationModelWeightedQuadraticBarrier(bounds, weights),
            crocoddyl.ResidualModelState(state, np.zeros(state.nx)),
        )

    def _down(self, state: crocoddyl.StateMultibody, frame: int) -> np.ndarray:
        """Return the rotation (3, 3) nearest to that at home whose z axis points down."""
        data = state.pinocchio.createData()
        pinocchio.framesForwardKinematics(state.pinocchio, data, self._arm.home_rad)
        side = data.oMf[frame].rotation[:, 0] * [1.0, 1.0, 0.0]
        side, down = side / np.linalg.norm(side), np.array([0.0, 0.0, -1.0])
        return np.stack([side, np.cross(down, side), down], axis=1)


def pinocchio_arm(arm: ArmDynamics) -> pinocchio.Model:
    """Return an arm of hinges, at zero where its own zeros are zero, with a frame at the site."""
    if arm.slide.any() or arm.zero.any():
        raise ValueError('arm: slides, and hinges whose zeros are elsewhere, are not built')
    model = pinocchio.Model()
    model.gravity.linear = arm.gravity
    joints: list[int] = []
    for i, parent in enumerate(arm.parent):
        before = arm.anchor[parent] if parent >= 0 else np.zeros(3)
        joint = model.addJoint(
            joints[parent] if parent >= 0 else 0,
            pinocchio.JointModelRevoluteUnaligned(arm.axis[i]),
            pinocchio.SE3(np.eye(3), arm.anchor[i] - before),
            f'joint_{i}',
        )
        inertia = pinocchio.Inertia(arm.mass[i], arm.centre[i] - arm.anchor[i], arm.inertia[i])
        model.appendBodyToJoint(joint, inertia, pinocchio.SE3.Identity())
        joints.append(joint)
    turn = np.stack([arm.site_side, np.cross(arm.site_axis, arm.site_side), arm.site_axis], axis=1)
    last = arm.site_joint
    place = pinocchio.SE3(turn, arm.site - arm.anchor[last])
    kind = pinocchio.FrameType.OP_FRAME
    model.addFrame(pinocchio.Frame(_SITE, joints[last], 0, place, kind))
    return model
