// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// What Python calls by ctypes: planning/kernel.py, which lets the interpreter go meanwhile, and
// control/compiled_torques.py, which does not. Nothing here is of Python or MuJoCo, and so one build
// goes with every version of both.
#include "cost.hpp"
#include "grasp_cost.hpp"
#include "ilqg.hpp"
#include "momentum.hpp"
#include "torque.hpp"

namespace
{
using Reaching = planning::Ilqg<planning::Cost, planning::Field>;
using Grasping = planning::Ilqg<planning::GraspCost, planning::HandReference>;
}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int planning_max_joints() {return planning::kMaxJoints;}

// One step of the arm, to be held against the simulation: velocities after it, and the bias.
int planning_step(
  const planning::Arm * arm, const double * positions, const double * velocities,
  const double * torques, double * after, double * bias)
{
  planning::Posture posture;
  double inertia[planning::kMaxJoints * planning::kMaxJoints];
  planning::set_posture(*arm, positions, posture);
  planning::dynamics(*arm, posture, positions, velocities, bias, inertia);
  return planning::accelerate(*arm, inertia, bias, velocities, torques, after);
}

void * reach_ilqg(
  const planning::Arm * arm, const planning::Cost * cost, const planning::Settings * settings)
{
  return new Reaching(*arm, *cost, *settings);
}

void reach_ilqg_free(void * ilqg) {delete static_cast<Reaching *>(ilqg);}

int reach_ilqg_plan(
  void * ilqg, const double * start, const planning::Former * former,
  const planning::Field * field, planning::Output * out)
{
  return static_cast<Reaching *>(ilqg)->plan(start, former, *field, *out);
}

void * grasp_ilqg(
  const planning::Arm * arm, const planning::GraspCost * cost, const planning::Settings * settings)
{
  return new Grasping(*arm, *cost, *settings);
}

void grasp_ilqg_free(void * ilqg) {delete static_cast<Grasping *>(ilqg);}

int grasp_ilqg_plan(
  void * ilqg, const double * start, const planning::Former * former,
  const planning::HandReference * reference, planning::Output * out)
{
  return static_cast<Grasping *>(ilqg)->plan(start, former, *reference, *out);
}

// A state is (2n,): positions, then velocities.
void torque_hold(
  const planning::Arm * arm, const planning::Limits * limits, const double * friction,
  const double * state, const double * wanted, double * torque)
{
  planning::hold(*arm, *limits, friction, state, state + arm->n, wanted, torque);
}

int torque_follow(
  const planning::Arm * arm, const planning::Limits * limits, const planning::Plan * plan,
  double time_s, const double * former, double step_s, const double * state, double * torque)
{
  return planning::follow(
    *arm, *limits, *plan, time_s, former, step_s, state, state + arm->n, torque);
}

void momentum_begin(
  const planning::Arm * arm, planning::Momentum * momentum, const double * state)
{
  planning::begin(*arm, *momentum, state, state + arm->n);
}

// No effort: that of the motors stands behind the state, (3n,).
int momentum_observe(
  const planning::Arm * arm, planning::Momentum * momentum, const double * state,
  const double * effort, double step_s)
{
  const int n = arm->n;
  return planning::observe(
    *arm, *momentum, state, state + n, effort ? effort : state + 2 * n, step_s);
}

}  // extern "C"
#pragma GCC visibility pop
