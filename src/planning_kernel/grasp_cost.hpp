// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// What a hand on its way costs, as grasping/cost.py says it, which is what the tests hold this
// against.
#pragma once

#include "motion_cost.hpp"

namespace planning
{

// Weights and scales of the terms; arrays have an entry for each of n joints.
struct GraspCost
{
  double far, near, height, tilt, yaw, velocity, effort, velocity_limit, joint_limit, terminal;
  double far_m, near_m, height_m;
  double soft_speed, soft_range_rad;
  const double * effort_scale;  // 1 / (N m)
  const double * speed_limit;  // rad/s
  const double * low;  // rad, the soft range
  const double * high;
};

// Where the hand is to be at each of the knots, and its x axis.
struct HandReference
{
  const double * places;  // (knots, 3) m
  const double * sides;  // (knots, 3)
};

double cost_of(const GraspCost & cost, const HandReference & goal, int n, const Knot & knot);

// As cost_model of reaching.
void cost_model(
  const GraspCost & cost, const HandReference & goal, int n, const Knot & knot,
  const double * place, const double * turn, double * gradient, double * hessian);

}  // namespace planning
