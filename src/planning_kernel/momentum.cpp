// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "momentum.hpp"

#include <algorithm>
#include <cmath>

#include "torque.hpp"

namespace planning
{

namespace
{

bool is_possible(
  int n, const Momentum & momentum, const double * positions, const double * velocities,
  double step_s)
{
  for (int i = 0; i < n; i++) {
    const double told = 0.5 * step_s * (velocities[i] + momentum.state[n + i]);
    const double moved = positions[i] - momentum.state[i];
    if (!(std::abs(moved - told) <= momentum.unexplained)) {return false;}
  }
  return true;
}

// What a low-pass comes nearer to where it goes, in a step.
double share(double bandwidth, double step_s) {return -std::expm1(-bandwidth * step_s);}

void look_at(
  const Arm & arm, Momentum & momentum, const double * positions, const double * velocities)
{
  look(arm, positions, velocities, momentum.inertia, momentum.carrying);
  std::copy(positions, positions + arm.n, momentum.state);
  std::copy(velocities, velocities + arm.n, momentum.state + arm.n);
}

}  // namespace

void begin(
  const Arm & arm, Momentum & momentum, const double * positions, const double * velocities)
{
  look_at(arm, momentum, positions, velocities);
  std::fill(momentum.residual, momentum.residual + arm.n, 0.0);
  std::fill(momentum.external, momentum.external + arm.n, 0.0);
}

Observed observe(
  const Arm & arm, Momentum & momentum, const double * positions, const double * velocities,
  const double * effort, double step_s)
{
  const int n = arm.n;
  if (!is_possible(n, momentum, positions, velocities, step_s)) {return kImpossible;}
  double inertia[kMaxJoints * kMaxJoints], carrying[kMaxJoints], faster[kMaxJoints];
  for (int j = 0; j < n * n; j++) {inertia[j] = momentum.inertia[j];}
  for (int j = 0; j < n; j++) {
    carrying[j] = momentum.carrying[j];
    faster[j] = (velocities[j] - momentum.state[n + j]) / step_s;
  }
  look_at(arm, momentum, positions, velocities);
  const double followed = share(momentum.bandwidth, step_s);
  const double smoothed = share(momentum.smoothing, step_s);
  Observed found = kQuiet;
  for (int i = 0; i < n; i++) {
    double gained = 0.0;
    for (int j = 0; j < n; j++) {
      gained += (inertia[i * n + j] + momentum.inertia[i * n + j]) * faster[j];
    }
    const double exerted = 0.5 * (gained + carrying[i] + momentum.carrying[i]) - effort[i];
    double & residual = momentum.residual[i];
    residual += followed * (exerted - residual);
    double & external = momentum.external[i];
    external += smoothed * (residual - external);
    if (!std::isfinite(residual)) {found = kAbsurd;}
    if (found == kQuiet && std::abs(external) > momentum.threshold[i]) {found = kStruck;}
  }
  if (found == kAbsurd) {  // a state that is finite, but not of an arm
    std::fill(momentum.residual, momentum.residual + n, 0.0);
    std::fill(momentum.external, momentum.external + n, 0.0);
  }
  return found;
}

}  // namespace planning
