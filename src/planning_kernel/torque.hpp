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
  const double * rate;  // N m/s, of torques that go out
};

// A plan of `steps` steps, by a clock of its own.
struct Plan
{
  double start_s;
  double expires_s;
  double step_s;
  int steps;
  const double * states;  // (steps + 1, 2n)
  const double * efforts;  // (steps, n) N m
  const double * gains;  // (steps, n, 2n)
  const double * friction;  // (n,) N m
  const double * limits;  // (n,) N m
};

enum Followed {kFollowed, kExpired, kImplausible, kNotFinite};

// The torque that follows a plan at a time and a state, within all limits. Where a `former`
// (n,) N m went out before it (null: none did), it is no further from that than its rates allow in
// step_s. Only of kFollowed is it one.
Followed follow(
  const Arm & arm, const Limits & limits, const Plan & plan, double time_s,
  const double * former, double step_s, const double * positions, const double * velocities,
  double * torque);

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
