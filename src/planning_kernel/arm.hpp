// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Rigid-body dynamics of the bare arm and their derivatives, for planning/arm_dynamics.py, which
// says the same in NumPy and is what the tests hold this against.
//
// Spatial vectors are (angular, linear) in the base frame, taken at its origin, as in Featherstone,
// "Rigid Body Dynamics Algorithms" (2008). Derivatives of inverse dynamics: Singh, Russell and
// Wensing, "Efficient Analytical Derivatives of Rigid-Body Dynamics using Spatial Vector Algebra"
// (RA-L 2022).
#pragma once

namespace planning
{

constexpr int kMaxJoints = 16;

// An arm of n joints, as planning/arm_dynamics.py takes it from MuJoCo. Everything is given in the
// base frame in the posture where every joint is at its zero; a joint's body is all that moves with
// it and with no joint after it.
struct Arm
{
  int n;
  int site_joint;  // the last joint that moves the effector
  const int * parent;  // (n,) the joint before, -1 for none
  const int * slide;  // (n,) 0 for a hinge
  const double * zero;  // (n,) rad
  const double * axis;  // (n, 3) unit
  const double * anchor;  // (n, 3) m
  const double * mass;  // (n,) kg
  const double * centre;  // (n, 3) m, of mass
  const double * inertia;  // (n, 3, 3) kg m2, about the centre of mass
  const double * damping;  // (n,) N m s/rad
  const double * armature;  // (n,) kg m2
  const double * stiffness;  // (n,) N m/rad
  const double * spring_rad;  // (n,) where a spring is at rest
  double gravity[3];  // m/s2
  double site[3];  // m, the effector
  double site_axis[3];  // its z axis
  double step_s;
  double site_side[3];  // the effector's x axis
};

// What depends on joint positions alone.
struct Posture
{
  double motion[kMaxJoints][6];  // the velocity of all that a joint moves, per its own speed
  double mass[kMaxJoints];
  double moment[kMaxJoints][3];  // mass times centre of mass
  double inertia[kMaxJoints][9];  // about the origin
  double site[3];
  double axis[3];
  double side[3];
};

void set_posture(const Arm & arm, const double * positions, Posture & out);

// The torque (n,) that gravity, motion and springs ask for, and the inertia (n, n) with armature.
void dynamics(
  const Arm & arm, const Posture & posture, const double * positions, const double * velocities,
  double * bias, double * inertia);

// One implicit step: velocities after it, by torques (n,). False if the inertia is not positive.
bool accelerate(
  const Arm & arm, const double * inertia, const double * bias, const double * velocities,
  const double * torques, double * after);

// Derivatives (n, 3n) of the velocities after a step by positions, velocities and torques.
bool linearise(
  const Arm & arm, const Posture & posture, const double * velocities, const double * accelerations,
  double * by_state_and_torque);

// Position (3, n) and rotation (3, n) of the effector by joint positions.
void site_jacobian(const Arm & arm, const Posture & posture, double * place, double * turn);

// Solve a positive definite system (n, n) in place of right (n, columns); or return false.
bool solve(int n, const double * matrix, int columns, double * right);

}  // namespace planning
