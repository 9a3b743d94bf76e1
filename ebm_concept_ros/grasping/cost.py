# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a hand on its way to, with and from a thing costs: place, height, tilt and yaw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.config_files import Config
from ebm_concept_ros.planning.motion_cost import MotionCost, Quadratic, squares, turned
from ebm_concept_ros.planning.plan_model import Linearisation, PlanModel, Rollout

FAR_M, NEAR_M, HEIGHT_M = 0.25, 0.01, 0.1


class GraspWeights(Config):
    """One weight per term, as those of reaching; place is the hand's against its reference.

    Squares alone pull too little near the place to beat friction and the model's errors, or too
    much far off it: so place has two terms. Without the one of height the hand sags on its way
    and strikes what stands there. Where two joints of the wrist are in line they drift against
    each other with a fifth of tilt and velocity.
    """

    far: float = Field(4.0, ge=0, le=1e3, description='0.25 m off the place')
    near: float = Field(0.3, ge=0, le=1e3, description='10 mm off the place, and each 10 mm more')
    height: float = Field(20.0, ge=0, le=1e3, description='0.1 m off the height')
    tilt: float = Field(20.0, ge=0, le=1e3, description='hand level instead of pointing down')
    yaw: float = Field(10.0, ge=0, le=1e3, description='a sixth of a turn off the yaw')
    velocity: float = Field(0.1, ge=0, le=1e3, description='1 rad/s, summed over joints')
    effort: float = Field(0.05, ge=0, le=1e3, description='the torque limit, beyond gravity')
    velocity_limit: float = Field(20.0, ge=0, le=1e3, description='the velocity limit reached')
    joint_limit: float = Field(1.0, ge=0, le=1e3, description='the joint limit reached')
    terminal: float = Field(10.0, ge=1, le=1e3, description='factor on the last knot')


@dataclass(frozen=True, eq=False)
class HandReference:
    """Where the grasp centre is to be at each knot, (N + 1, 3) m, and its x axis, (N + 1, 3)."""

    places_m: np.ndarray
    sides: np.ndarray


class GraspCost:
    """The hand against its reference, pointing down, and how the arm moves; goals: references."""

    def __init__(self, arm: ArmConfig, model: PlanModel, weights: GraspWeights) -> None:
        self.weights = weights
        self.motion = MotionCost(arm, model, weights)

    def terms(self, rollout: Rollout, goal: HandReference) -> dict[str, np.ndarray]:
        """Return each weighted term per knot, (N + 1,), before the terminal factor."""
        w = self.weights
        away = rollout.site_m - goal.places_m
        square = squares(away)
        return {
            'far': w.far / FAR_M**2 * square,
            # Pseudo-Huber: a square near the place, a distance far off it.
            'near': w.near * (np.sqrt(1.0 + square / NEAR_M**2) - 1.0),
            'height': w.height / HEIGHT_M**2 * away[..., 2] ** 2,
            'tilt': w.tilt * squares(rollout.approach[..., :2]),
            'yaw': w.yaw * squares(rollout.side - goal.sides),
            **self.motion.terms(rollout),
        }

    def value(self, rollout: Rollout, goal: HandReference) -> np.ndarray:
        """Return the cost of the whole rollout."""
        return self.motion.total(self.terms(rollout, goal))

    def quadratic(
        self, rollout: Rollout, derivatives: Linearisation, goal: HandReference
    ) -> Quadratic:
        """Return the cost's convex quadratic model: residuals are linearised, not the terms."""
        w = self.weights
        away = rollout.site_m - goal.places_m
        pull = 2.0 * w.far / FAR_M**2 + w.near / NEAR_M**2 / np.sqrt(
            1.0 + squares(away) / NEAR_M**2
        )
        # What each metre along x, y and z weighs at each knot, halved as of a square.
        weight = 0.5 * np.repeat(pull[:, None], 3, axis=1)
        weight[:, 2] += w.height / HEIGHT_M**2
        knots = len(away)
        residuals = np.concatenate(
            [away, rollout.approach[:, :2], rollout.side - goal.sides], axis=1
        )
        jacobians = np.concatenate(
            [
                derivatives.site,
                turned(derivatives.turn, rollout.approach)[:, :2],
                turned(derivatives.turn, rollout.side),
            ],
            axis=1,
        )
        weights = np.concatenate(
            [weight, np.broadcast_to([w.tilt] * 2 + [w.yaw] * 3, (knots, 5))], axis=1
        )
        weighted = 2.0 * (weights[:, :, None] * jacobians).transpose(0, 2, 1)
        q = (weighted @ residuals[:, :, None])[:, :, 0]
        return self.motion.quadratic(rollout, q, weighted @ jacobians)
