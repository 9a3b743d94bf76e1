# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a plan costs: weighted terms, each with a Gauss-Newton (so convex) quadratic model."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.config_files import Config
from ebm_concept_ros.field.circles import Circles
from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.planning.motion_cost import MotionCost, Quadratic, squares, turned
from ebm_concept_ros.planning.plan_model import Linearisation, PlanModel, Rollout
from ebm_concept_ros.workspace import Workspace


class CostWeights(Config):
    """One weight per term. The terms are dimensionless; what makes each of them 1 is said here.

    With an energy weight of 1 the hand's slow return to upright holds the effector 2 to 3 mm off
    the goal; with 10 the arm gets near its speed limits where states come late.
    """

    energy: float = Field(4.0, ge=0, le=1e3, description='1 unit² of area over pi')
    height: float = Field(4.0, ge=0, le=1e3, description='0.1 m off the hover height')
    tilt: float = Field(0.1, ge=0, le=1e3, description='hand level instead of pointing down')
    velocity: float = Field(0.02, ge=0, le=1e3, description='1 rad/s, summed over joints')
    effort: float = Field(0.05, ge=0, le=1e3, description='the torque limit, beyond gravity')
    velocity_limit: float = Field(1.0, ge=0, le=1e3, description='the velocity limit reached')
    joint_limit: float = Field(1.0, ge=0, le=1e3, description='the joint limit reached')
    obstacle: float = Field(2.0, ge=0, le=1e3, description='the hand 0.1 units too near to one')
    terminal: float = Field(10.0, ge=1, le=1e3, description='factor on the last knot')


HEIGHT_SCALE_M = 0.1
NEAR_UNITS = 0.1
# Places along the hand, from the effector up, that are kept out of obstacles.
HAND_SHARES = (0.0, 0.5, 1.0)


class ReachCost:
    """Energy at the effector, height, tilt, speed, torque and soft limits, summed over knots."""

    def __init__(
        self, arm: ArmConfig, workspace: Workspace, model: PlanModel, weights: CostWeights
    ) -> None:
        self.weights = weights
        self.workspace = workspace
        self.height_m = workspace.hover_height_in_base_m
        self.motion = MotionCost(arm, model, weights)

    def terms(self, rollout: Rollout, field: EnergyField) -> dict[str, np.ndarray]:
        """Return each weighted term per knot, (..., N + 1), before the terminal factor.

        The rollout's arrays may have leading axes: as many rollouts at once.
        """
        w = self.weights
        place = self.workspace.to_plane(rollout.site_m)
        energy = field.cost_value(place.reshape(-1, 2)).reshape(place.shape[:-1])
        return {
            'energy': w.energy * energy,
            'height': w.height * self._height_residual(rollout) ** 2,
            'tilt': w.tilt * squares(rollout.approach[..., :2]),
            **self.motion.terms(rollout),
            'obstacle': w.obstacle * self._nearness(rollout, field.keep_out),
        }

    def value(self, rollout: Rollout, field: EnergyField) -> np.ndarray:
        """Return the cost of each whole rollout, (...)."""
        return self.motion.total(self.terms(rollout, field))

    def quadratic(
        self, rollout: Rollout, derivatives: Linearisation, field: EnergyField
    ) -> Quadratic:
        """Return the cost's convex quadratic model; residuals are linearised, not the terms."""
        w = self.weights
        per_unit = 1.0 / self.workspace.metres_per_unit
        sample = field.cost(self.workspace.to_plane(rollout.site_m))
        plane = derivatives.site[:, :2] * per_unit
        q = w.energy * np.einsum('ka,kai->ki', sample.gradient, plane)
        qq = w.energy * plane.transpose(0, 2, 1) @ sample.hessian @ plane

        # Only the axis's level components are residuals.
        tilt = turned(derivatives.turn, rollout.approach)[:, :2]
        residuals = np.concatenate(
            [
                np.sqrt(w.height) * self._height_residual(rollout)[:, None],
                np.sqrt(w.tilt) * rollout.approach[:, :2],
            ],
            axis=1,
        )
        jacobians = np.concatenate(
            [np.sqrt(w.height) / HEIGHT_SCALE_M * derivatives.site[:, 2:], np.sqrt(w.tilt) * tilt],
            axis=1,
        )
        transposed = jacobians.transpose(0, 2, 1)
        q += 2.0 * (transposed @ residuals[:, :, None])[:, :, 0]
        qq += 2.0 * transposed @ jacobians

        if len(field.keep_out):
            gradient, hessian = self._obstacle_quadratic(
                rollout, field.keep_out, derivatives.site[:, :2], tilt
            )
            q += gradient
            qq += hessian

        return self.motion.quadratic(rollout, q, qq)

    def _hand_in_plane(self, rollout: Rollout, keep_out: Circles) -> tuple[np.ndarray, np.ndarray]:
        """Return P places along the hand (..., N + 1, P, 2), particle units, and their heights."""
        above_m = keep_out.above_m * np.array(HAND_SHARES)
        # The approach axis points down, away from the hand.
        places = rollout.site_m[..., None, :2] - above_m[:, None] * rollout.approach[..., None, :2]
        return self.workspace.to_plane(places), above_m

    def _nearness(self, rollout: Rollout, keep_out: Circles) -> np.ndarray:
        """Return the squared residuals of all places and circles, (..., N + 1)."""
        if not len(keep_out):
            return np.zeros(rollout.states.shape[:-1])
        depths, _ = keep_out.each_depth(self._hand_in_plane(rollout, keep_out)[0])
        return (np.maximum(depths / NEAR_UNITS, 0.0) ** 2).sum((-1, -2))

    def _obstacle_quadratic(
        self, rollout: Rollout, keep_out: Circles, site: np.ndarray, tilt: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient (N + 1, n) and Hessian (N + 1, n, n) by the joint positions.

        site, tilt: (N + 1, 2, n), of the effector's place, m, and of its axis, in the plane.
        """
        places, above_m = self._hand_in_plane(rollout, keep_out)
        depths, outwards = keep_out.each_depth(places)
        residuals = np.maximum(depths / NEAR_UNITS, 0.0)  # (N + 1, P, K)
        scale = 1.0 / (NEAR_UNITS * self.workspace.metres_per_unit)
        motion = site[:, None] - above_m[:, None, None] * tilt[:, None]  # (N + 1, P, 2, n)
        jacobians = -scale * (outwards * (residuals > 0.0)[..., None]) @ motion
        knots, n = len(residuals), site.shape[-1]
        jacobians = jacobians.reshape(knots, -1, n)
        transposed = jacobians.transpose(0, 2, 1)
        gradient = (transposed @ residuals.reshape(knots, -1, 1))[:, :, 0]
        weight = 2.0 * self.weights.obstacle
        return weight * gradient, weight * transposed @ jacobians

    def _height_residual(self, rollout: Rollout) -> np.ndarray:
        return (rollout.site_m[..., 2] - self.height_m) / HEIGHT_SCALE_M
