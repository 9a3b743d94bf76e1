// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// What the control loop knows of torques from outside, as control/momentum_observer.py has it, which
// the tests hold this against.
#pragma once

#include "arm.hpp"

namespace planning
{

// The residual of an arm's momentum, from one state to the next; arrays are the caller's.
struct Momentum
{
  double * state;  // (2n,) the last one
  double * inertia;  // (n, n) there
  double * carrying;  // (n,) N m that balances the arm's own forces there
  double * residual;  // (n,) N m
  double * external;  // (n,) N m, the residual smoothed once more
  const double * threshold;  // (n,) N m of external
  double bandwidth;  // rad/s, of the residual
  double smoothing;  // rad/s, of what is smoothed once more
  double unexplained;  // rad that a joint may come further than its speeds tell
};

// kImpossible: no arm can have come to this state from the last one, and nothing has changed.
enum Observed {kQuiet, kStruck, kImpossible, kAbsurd};

// Begin anew at a state: nothing is exerted from outside.
void begin(
  const Arm & arm, Momentum & momentum, const double * positions, const double * velocities);

// Go on to the state step_s > 0 after the last one; effort: (n,) N m of the motors in between.
Observed observe(
  const Arm & arm, Momentum & momentum, const double * positions, const double * velocities,
  const double * effort, double step_s);

}  // namespace planning
