// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "arm.hpp"

#include <algorithm>
#include <cmath>

#include "spatial.hpp"

namespace planning
{

void set_posture(const Arm & arm, const double * positions, Posture & out)
{
  double turns[kMaxJoints][9], places[kMaxJoints][3];
  const double level[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  double a[3], b[3], own[9];
  for (int i = 0; i < arm.n; i++) {
    const int p = arm.parent[i];
    const double * turn = p < 0 ? level : turns[p];
    const double * place = p < 0 ? kNothing : places[p];
    const double * axis = arm.axis + 3 * i;
    const double * anchor = arm.anchor + 3 * i;
    const double angle = positions[i] - arm.zero[i];
    double * motion = out.motion[i];
    if (arm.slide[i]) {
      std::fill(motion, motion + 3, 0.0);
      rotate(turn, axis, motion + 3);
      std::copy(turn, turn + 9, turns[i]);
      for (int k = 0; k < 3; k++) {places[i][k] = place[k] + angle * motion[3 + k];}
    } else {
      rotate(turn, axis, motion);
      rotate(turn, anchor, a);
      for (int k = 0; k < 3; k++) {a[k] += place[k];}
      cross(a, motion, motion + 3);
      rotation(axis, angle, own);
      multiply(turn, own, turns[i]);
      rotate(turns[i], anchor, b);
      for (int k = 0; k < 3; k++) {places[i][k] = a[k] - b[k];}
    }
    const double mass = arm.mass[i];
    double centre[3], half[9];
    rotate(turns[i], arm.centre + 3 * i, centre);
    for (int k = 0; k < 3; k++) {
      centre[k] += places[i][k];
      out.moment[i][k] = mass * centre[k];
    }
    multiply(turns[i], arm.inertia + 9 * i, half);
    const double square = mass * dot(centre, centre);
    for (int r = 0; r < 3; r++) {
      for (int c = 0; c < 3; c++) {
        out.inertia[i][3 * r + c] = dot(half + 3 * r, turns[i] + 3 * c) -
          out.moment[i][r] * centre[c] + (r == c ? square : 0.0);
      }
    }
    out.mass[i] = mass;
  }
  rotate(turns[arm.site_joint], arm.site, out.site);
  for (int k = 0; k < 3; k++) {out.site[k] += places[arm.site_joint][k];}
  rotate(turns[arm.site_joint], arm.site_axis, out.axis);
  rotate(turns[arm.site_joint], arm.site_side, out.side);
}

void dynamics(
  const Arm & arm, const Posture & posture, const double * positions, const double * velocities,
  double * bias, double * inertia)
{
  const int n = arm.n;
  double v[kMaxJoints][6], a[kMaxJoints][6], f[kMaxJoints][6], momentum[6], rate[6];
  const double falling[6] = {0, 0, 0, -arm.gravity[0], -arm.gravity[1], -arm.gravity[2]};
  Body body[kMaxJoints];
  for (int i = 0; i < n; i++) {
    const int p = arm.parent[i];
    const double * s = posture.motion[i];
    const double * before = p < 0 ? kNothing : v[p];
    cross_motion(before, s, rate);
    for (int k = 0; k < 6; k++) {
      v[i][k] = before[k] + s[k] * velocities[i];
      a[i][k] = (p < 0 ? falling : a[p])[k] + rate[k] * velocities[i];
    }
    body[i].set(posture, i);
    body[i].apply(v[i], momentum);
    body[i].apply(a[i], f[i]);
    cross_force(v[i], momentum, rate);
    for (int k = 0; k < 6; k++) {f[i][k] += rate[k];}
  }
  std::fill(inertia, inertia + n * n, 0.0);
  for (int i = n - 1; i >= 0; i--) {
    const int p = arm.parent[i];
    const double * s = posture.motion[i];
    bias[i] = dot6(s, f[i]) + arm.stiffness[i] * (positions[i] - arm.spring_rad[i]);
    body[i].apply(s, momentum);
    for (int j = i; j >= 0; j = arm.parent[j]) {
      inertia[i * n + j] = inertia[j * n + i] = dot6(posture.motion[j], momentum);
    }
    inertia[i * n + i] += arm.armature[i];
    if (p >= 0) {
      body[p].add(body[i]);
      for (int k = 0; k < 6; k++) {f[p][k] += f[i][k];}
    }
  }
}

bool accelerate(
  const Arm & arm, const double * inertia, const double * bias, const double * velocities,
  const double * torques, double * after)
{
  const int n = arm.n;
  double matrix[kMaxJoints * kMaxJoints], change[kMaxJoints];
  std::copy(inertia, inertia + n * n, matrix);
  for (int i = 0; i < n; i++) {
    matrix[i * n + i] += arm.step_s * arm.damping[i];
    change[i] = torques[i] - bias[i] - arm.damping[i] * velocities[i];
  }
  const bool solved = solve(n, matrix, 1, change);
  for (int i = 0; i < n; i++) {after[i] = velocities[i] + arm.step_s * change[i];}
  return solved;
}

bool linearise(
  const Arm & arm, const Posture & posture, const double * velocities, const double * accelerations,
  double * out)
{
  const int n = arm.n, columns = 3 * n;
  double v[kMaxJoints][6], a[kMaxJoints][6], f[kMaxJoints][6];
  double rate[kMaxJoints][6], second[kMaxJoints][6];  // of a joint's motion, as its parent moves
  // Twice Singh's B: a motion (w, l) has (turning w, -2 momentum x w).
  double turning[kMaxJoints][9], linear[kMaxJoints][3];
  double by_position[kMaxJoints * kMaxJoints] = {}, by_velocity[kMaxJoints * kMaxJoints] = {};
  double matrix[kMaxJoints * kMaxJoints] = {};
  const double falling[6] = {0, 0, 0, -arm.gravity[0], -arm.gravity[1], -arm.gravity[2]};
  Body body[kMaxJoints];
  for (int i = 0; i < n; i++) {
    const int p = arm.parent[i];
    const double * s = posture.motion[i];
    const double * v_before = p < 0 ? kNothing : v[p];
    const double * a_before = p < 0 ? falling : a[p];
    double other[6], momentum[6];
    cross_motion(v_before, s, rate[i]);
    cross_motion(a_before, s, second[i]);
    cross_motion(v_before, rate[i], other);
    for (int k = 0; k < 6; k++) {
      second[i][k] += other[k];
      v[i][k] = v_before[k] + s[k] * velocities[i];
      a[i][k] = a_before[k] + s[k] * accelerations[i] + rate[i][k] * velocities[i];
    }
    body[i].set(posture, i);
    body[i].apply(v[i], momentum);
    body[i].apply(a[i], f[i]);
    cross_force(v[i], momentum, other);
    for (int k = 0; k < 6; k++) {f[i][k] += other[k];}

    const double * w = v[i];
    const double * l = v[i] + 3;
    const double * h = body[i].moment;
    double spun[9];  // w x each column of the inertia
    for (int c = 0; c < 3; c++) {
      const double column[3] = {
        body[i].inertia[c], body[i].inertia[3 + c], body[i].inertia[6 + c]};
      double turned[3];
      cross(w, column, turned);
      for (int r = 0; r < 3; r++) {spun[3 * r + c] = turned[r];}
    }
    const double twice = 2.0 * dot(l, h);
    for (int r = 0; r < 3; r++) {
      for (int c = 0; c < 3; c++) {
        turning[i][3 * r + c] = spun[3 * r + c] + spun[3 * c + r] - h[r] * l[c] - l[r] * h[c] +
          (r == c ? twice : 0.0);
      }
      linear[i][r] = momentum[3 + r];
    }
    turning[i][1] += momentum[2];
    turning[i][2] -= momentum[1];
    turning[i][3] -= momentum[2];
    turning[i][5] += momentum[0];
    turning[i][6] += momentum[1];
    turning[i][7] -= momentum[0];
  }
  for (int i = n - 1; i >= 0; i--) {
    const double * s = posture.motion[i];
    double q_force[6], v_force[6], m_force[6], other[6], b_row[3];
    const auto coriolis = [&](const double * motion, double * force) {
        rotate(turning[i], motion, force);
        cross(motion, linear[i], force + 3);
        for (int k = 3; k < 6; k++) {force[k] *= 2.0;}
      };
    body[i].apply(s, m_force);
    body[i].apply(rate[i], v_force);
    coriolis(s, other);
    for (int k = 0; k < 6; k++) {v_force[k] = 2.0 * v_force[k] + other[k];}
    body[i].apply(second[i], q_force);
    coriolis(rate[i], other);
    for (int k = 0; k < 6; k++) {q_force[k] += other[k];}
    cross_force(s, f[i], other);
    for (int k = 0; k < 6; k++) {q_force[k] += other[k];}
    cross(linear[i], s + 3, b_row);
    for (int k = 0; k < 3; k++) {
      b_row[k] = 2.0 * b_row[k] + turning[i][k] * s[0] + turning[i][3 + k] * s[1] +
        turning[i][6 + k] * s[2];
    }
    for (int j = i; j >= 0; j = arm.parent[j]) {
      const double * t = posture.motion[j];
      by_position[j * n + i] = dot6(t, q_force);
      by_velocity[j * n + i] = dot6(t, v_force);
      matrix[i * n + j] = matrix[j * n + i] = dot6(t, m_force);
      if (j != i) {
        by_position[i * n + j] = dot(b_row, rate[j]) + dot6(m_force, second[j]);
        by_velocity[i * n + j] = dot(b_row, t) + 2.0 * dot6(m_force, rate[j]);
      }
    }
    const int p = arm.parent[i];
    if (p >= 0) {
      body[p].add(body[i]);
      for (int k = 0; k < 6; k++) {f[p][k] += f[i][k];}
      for (int k = 0; k < 9; k++) {turning[p][k] += turning[i][k];}
      for (int k = 0; k < 3; k++) {linear[p][k] += linear[i][k];}
    }
  }
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      out[i * columns + j] = -by_position[i * n + j];
      out[i * columns + n + j] = -by_velocity[i * n + j];
      out[i * columns + 2 * n + j] = 0.0;
    }
    out[i * columns + i] -= arm.stiffness[i];
    out[i * columns + n + i] -= arm.damping[i];
    out[i * columns + 2 * n + i] = 1.0;
    matrix[i * n + i] += arm.armature[i] + arm.step_s * arm.damping[i];
  }
  if (!solve(n, matrix, columns, out)) {
    return false;
  }
  for (int i = 0; i < n * columns; i++) {out[i] *= arm.step_s;}
  for (int i = 0; i < n; i++) {out[i * columns + n + i] += 1.0;}
  return true;
}

void site_jacobian(const Arm & arm, const Posture & posture, double * place, double * turn)
{
  const int n = arm.n;
  std::fill(place, place + 3 * n, 0.0);
  std::fill(turn, turn + 3 * n, 0.0);
  for (int j = arm.site_joint; j >= 0; j = arm.parent[j]) {
    double moved[3];
    cross(posture.motion[j], posture.site, moved);
    for (int k = 0; k < 3; k++) {
      place[k * n + j] = posture.motion[j][3 + k] + moved[k];
      turn[k * n + j] = posture.motion[j][k];
    }
  }
}

bool solve(int n, const double * matrix, int columns, double * right)
{
  double lower[kMaxJoints * kMaxJoints];
  for (int i = 0; i < n; i++) {
    for (int j = 0; j <= i; j++) {
      double value = matrix[i * n + j];
      for (int k = 0; k < j; k++) {value -= lower[i * n + k] * lower[j * n + k];}
      if (i != j) {
        lower[i * n + j] = value * lower[j * n + j];
      } else if (value > 0) {
        lower[i * n + i] = 1.0 / std::sqrt(value);  // its inverse: a division is dear
      } else {
        return false;
      }
    }
  }
  for (int i = 0; i < n; i++) {
    double * row = right + i * columns;
    for (int k = 0; k < i; k++) {
      const double share = lower[i * n + k];
      const double * above = right + k * columns;
      for (int j = 0; j < columns; j++) {row[j] -= share * above[j];}
    }
    for (int j = 0; j < columns; j++) {row[j] *= lower[i * n + i];}
  }
  for (int i = n - 1; i >= 0; i--) {
    double * row = right + i * columns;
    for (int k = i + 1; k < n; k++) {
      const double share = lower[k * n + i];
      const double * below = right + k * columns;
      for (int j = 0; j < columns; j++) {row[j] -= share * below[j];}
    }
    for (int j = 0; j < columns; j++) {row[j] *= lower[i * n + i];}
  }
  return true;
}

}  // namespace planning
