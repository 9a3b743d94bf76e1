// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// What Python calls by ctypes: planning/kernel.py, which lets the interpreter go meanwhile, and
// control/compiled_torques.py, which does not. Nothing here is of Python or MuJoCo, and so one build
// goes with every version of both.
#include "ilqg.hpp"
#include "torque.hpp"

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

planning::Ilqg * planning_ilqg(
  const planning::Arm * arm, const planning::Cost * cost, const planning::Settings * settings)
{
  return new planning::Ilqg(*arm, *cost, *settings);
}

void planning_ilqg_free(planning::Ilqg * ilqg) {delete ilqg;}

int planning_ilqg_plan(
  planning::Ilqg * ilqg, const double * start, const planning::Former * former,
  const planning::Field * field, planning::Output * out)
{
  return ilqg->plan(start, former, *field, *out);
}

// States are (2n,): positions, then velocities.
void torque_follow(
  const planning::Arm * arm, const planning::Limits * limits, const planning::Followed * plan,
  const double * state, double * torque)
{
  planning::follow(*arm, *limits, *plan, state, state + arm->n, torque);
}

void torque_hold(
  const planning::Arm * arm, const planning::Limits * limits, const double * friction,
  const double * state, const double * wanted, double * torque)
{
  planning::hold(*arm, *limits, friction, state, state + arm->n, wanted, torque);
}

void torque_look(
  const planning::Arm * arm, const double * state, double * inertia, double * carrying)
{
  planning::look(*arm, state, state + arm->n, inertia, carrying);
}

}  // extern "C"
#pragma GCC visibility pop
