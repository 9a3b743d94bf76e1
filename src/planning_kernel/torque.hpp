// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// What the control loop computes for every torque, as control/torques.py and control/speed_limit.py
// do it, which the tests hold this against.
#pragma once

#include "arm.hpp"

namespace planning
{

// What a joint may, and how the arm is held; arrays are (n,).
struct Limits
{
  const double * torque;  // N m
  const double * speed;  // rad/s, that is used at most
  const double * torque_rate;  // N m/s, that a joint's jerk is taken from
  const double * hold_damping;  // N m s/rad
  double approach_s;  // in which a joint comes nearer to its speed limit by a fraction of what is left
  double friction_speed;  // rad/s, below which the direction of friction is not known
};

// Where a plan is followed: the knot before, the knot after, and the part of the way between them.
struct Followed
{
  const double * before;  // (2n,)
  const double * after;  // (2n,)
  const double * torque;  // (n,) N m
  const double * gains;  // (n, 2n)
  const double * friction;  // (n,) N m
  const double * limits;  // (n,) N m
  double part;
};

// The torque that follows a plan at a state, within all limits but that of its rate. reachable: (2, n)
// N m, the lowest and the highest that can go out, by which speeds are limited (null: no such).
void follow(
  const Arm & arm, const Limits & limits, const Followed & plan, const double * reachable,
  const double * positions, const double * velocities, double * torque);

// The torque that carries the arm and damps its velocities towards `wanted` (null: rest), within the
// limits. friction: (n,) N m of the joints.
void hold(
  const Arm & arm, const Limits & limits, const double * friction, const double * positions,
  const double * velocities, const double * wanted, double * torque);

// The inertia (n, n) at a state, and the torque (n,) that gravity, motion, springs and damping ask for.
void look(
  const Arm & arm, const double * positions, const double * velocities, double * inertia,
  double * carrying);

}  // namespace planning
