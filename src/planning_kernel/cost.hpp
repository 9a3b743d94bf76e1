// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// What a plan costs, as planning/cost.py says it, which is what the tests hold this against.
#pragma once

#include "motion_cost.hpp"

namespace planning
{

// Weights and scales of the terms; arrays have an entry for each of n joints.
struct Cost
{
  double energy, height, tilt, velocity, effort, velocity_limit, joint_limit, obstacle, terminal;
  double centre[2];  // m, of the plane in the base frame
  double metres_per_unit, height_m;
  double height_scale_m, soft_speed, soft_range_rad, near_units;
  const double * effort_scale;  // 1 / (N m)
  const double * speed_limit;  // rad/s
  const double * low;  // rad, the soft range
  const double * high;
};

// A field's cost and what is kept out of, as field/splines.py and field/circles.py have them.
struct Field
{
  int cells;  // on a side
  int circles;
  const double * coefficients;  // (cells, cells, 4, 4)
  const double * centres;  // (circles, 2) units
  const double * radii;  // (circles,) units
  double origin, step, half_width;  // units
  double above_m;
  double hand_shares[3];
};

double cost_of(const Cost & cost, const Field & field, int n, const Knot & knot);

// The convex quadratic model at a knot, before the terminal factor. place, turn: (3, n) of the
// effector by joint positions. gradient: (2n,); hessian: (2n, 2n).
void cost_model(
  const Cost & cost, const Field & field, int n, const Knot & knot, const double * place,
  const double * turn, double * gradient, double * hessian);

}  // namespace planning
