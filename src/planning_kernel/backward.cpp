// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "backward.hpp"

#include <algorithm>
#include <cmath>

#include "arm.hpp"

namespace planning
{
namespace
{

constexpr int kMaxState = 2 * kMaxJoints;
constexpr int kMaxBoth = 3 * kMaxJoints;
constexpr int kMaxIterations = 20;
constexpr double kTolerance = 1e-8;
constexpr double kShortest = 1e-6;

double value_of(int n, const double * hessian, const double * right, int columns, const double * u)
{
  double total = 0.0;
  for (int i = 0; i < n; i++) {
    double product = 0.0;
    for (int j = 0; j < n; j++) {product += hessian[i * n + j] * u[j];}
    total += u[i] * (0.5 * product + right[i * columns]);
  }
  return total;
}

bool solve_negative(int n, const double * matrix, int columns, const double * right, double * out)
{
  for (int i = 0; i < n * columns; i++) {out[i] = -right[i];}
  return solve(n, matrix, columns, out);
}

double clip(double x, double low, double high) {return std::min(std::max(x, low), high);}

}  // namespace

bool solve_box_qp(
  int n, int m, const double * hessian, const double * right, const double * low, const double * high,
  double * out)
{
  const int columns = 1 + m;
  if (!solve_negative(n, hessian, columns, right, out)) {
    return false;
  }
  double step[kMaxJoints], candidate[kMaxJoints], free[kMaxJoints];
  double masked[kMaxJoints * kMaxJoints], rest[kMaxJoints * (1 + kMaxState)];
  bool unlimited = true;
  for (int i = 0; i < n; i++) {
    step[i] = clip(out[i * columns], low[i], high[i]);
    unlimited = unlimited && step[i] == out[i * columns];
  }
  if (unlimited) {
    return true;
  }
  double value = value_of(n, hessian, right, columns, step);
  for (int iteration = 0; iteration < kMaxIterations; iteration++) {
    for (int i = 0; i < n; i++) {
      double slope = right[i * columns];
      for (int j = 0; j < n; j++) {slope += hessian[i * n + j] * step[j];}
      free[i] = (slope > 0.0 ? step[i] > low[i] : step[i] < high[i]) ? 1.0 : 0.0;
      for (int j = 1; j < columns; j++) {rest[i * columns + j] = right[i * columns + j] * free[i];}
      rest[i * columns] = slope * free[i];
    }
    // Limited inputs become rows of the identity with zero right-hand sides.
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {masked[i * n + j] = hessian[i * n + j] * free[i] * free[j];}
      masked[i * n + i] += 1.0 - free[i];
    }
    if (!solve_negative(n, masked, columns, rest, out)) {
      return false;
    }
    double share = 1.0, lower;
    while (true) {
      for (int i = 0; i < n; i++) {
        candidate[i] = clip(step[i] + share * out[i * columns], low[i], high[i]);
      }
      lower = value_of(n, hessian, right, columns, candidate);
      // The projected Newton direction descends, so a short enough step must.
      if (lower <= value || share < kShortest) {
        break;
      }
      share *= 0.5;
    }
    bool arrived = true;
    for (int i = 0; i < n; i++) {
      arrived = arrived && std::abs(candidate[i] - step[i]) <= kTolerance * (high[i] - low[i]);
      step[i] = candidate[i];
    }
    value = lower;
    if (arrived) {
      break;
    }
  }
  for (int i = 0; i < n; i++) {out[i * columns] = step[i];}
  return true;
}

bool step_back(const Step & step, double * value, double * hessian, double * step_and_gain)
{
  // Next positions are positions and step_s times next velocities: so a product with the whole
  // Jacobian of a step is one with its lower half, of the velocities.
  const int n = step.n, m = 2 * n, both = 3 * n, columns = 1 + m;
  const double h = step.step_s;
  const double * f = step.velocity;
  double slope[kMaxBoth], push[kMaxJoints];
  double product[kMaxState * kMaxBoth];  // hessian times the Jacobian
  double q[kMaxBoth * kMaxBoth];
  for (int i = 0; i < n; i++) {push[i] = h * value[i] + value[n + i];}
  for (int j = 0; j < both; j++) {
    slope[j] = j < m ? step.state[j] : step.effort[j - m];
    if (j < n) {slope[j] += value[j];}
  }
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < both; j++) {slope[j] += push[i] * f[i * both + j];}
  }
  for (int i = 0; i < m; i++) {
    double * row = product + i * both;
    for (int j = 0; j < both; j++) {row[j] = j < n ? hessian[i * m + j] : 0.0;}
    for (int k = 0; k < n; k++) {
      const double share = h * hessian[i * m + k] + hessian[i * m + n + k];
      for (int j = 0; j < both; j++) {row[j] += share * f[k * both + j];}
    }
  }
  for (int i = 0; i < both; i++) {
    double * row = q + i * both;
    for (int j = 0; j < both; j++) {row[j] = i < n ? product[i * both + j] : 0.0;}
  }
  for (int k = 0; k < n; k++) {
    double pushed[kMaxBoth];
    for (int j = 0; j < both; j++) {
      pushed[j] = h * product[k * both + j] + product[(n + k) * both + j];
    }
    for (int i = 0; i < both; i++) {
      const double share = f[k * both + i];
      double * row = q + i * both;
      for (int j = 0; j < both; j++) {row[j] += share * pushed[j];}
    }
  }
  for (int i = 0; i < m; i++) {
    for (int j = 0; j < m; j++) {q[i * both + j] += step.state_hessian[i * m + j];}
  }
  double own[kMaxJoints * kMaxJoints], right[kMaxJoints * (1 + kMaxState)];
  for (int i = 0; i < n; i++) {
    q[(m + i) * both + m + i] += step.effort_hessian[i];
    right[i * columns] = slope[m + i];
    for (int j = 0; j < m; j++) {right[i * columns + 1 + j] = q[(m + i) * both + j];}
    for (int j = 0; j < n; j++) {own[i * n + j] = q[(m + i) * both + m + j];}
  }
  if (!solve_box_qp(n, m, own, right, step.low, step.high, step_and_gain)) {
    return false;
  }
  // At the box optimum every row has either a zero gain or a zero slope, which leaves only the
  // cross terms.
  for (int i = 0; i < m; i++) {
    value[i] = slope[i];
    double * row = q + i * both;
    for (int k = 0; k < n; k++) {
      const double share = row[m + k];
      const double * gain = step_and_gain + k * columns;
      value[i] += share * gain[0];
      for (int j = 0; j < m; j++) {row[j] += share * gain[1 + j];}
    }
  }
  for (int i = 0; i < m; i++) {
    for (int j = 0; j < m; j++) {
      hessian[i * m + j] = 0.5 * (q[i * both + j] + q[j * both + i]);
    }
  }
  return true;
}

}  // namespace planning
