// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Vectors of three and spatial vectors of six, (angular, linear), and what has mass.
#pragma once

#include <algorithm>
#include <cmath>

#include "arm.hpp"

namespace planning
{

inline void cross(const double * a, const double * b, double * out)
{
  out[0] = a[1] * b[2] - a[2] * b[1];
  out[1] = a[2] * b[0] - a[0] * b[2];
  out[2] = a[0] * b[1] - a[1] * b[0];
}

inline double dot(const double * a, const double * b)
{
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

inline void rotate(const double * matrix, const double * a, double * out)
{
  for (int i = 0; i < 3; i++) {
    out[i] = dot(matrix + 3 * i, a);
  }
}

inline void multiply(const double * a, const double * b, double * out)
{
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      out[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j];
    }
  }
}

// Rodrigues' formula.
inline void rotation(const double * axis, double angle, double * out)
{
  const double s = std::sin(angle), c = std::cos(angle);
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      out[3 * i + j] = (1 - c) * axis[i] * axis[j] + (i == j ? c : 0.0);
    }
  }
  out[1] -= s * axis[2];
  out[2] += s * axis[1];
  out[3] += s * axis[2];
  out[5] -= s * axis[0];
  out[6] -= s * axis[1];
  out[7] += s * axis[0];
}

inline double dot6(const double * a, const double * b)
{
  return dot(a, b) + dot(a + 3, b + 3);
}

// The rate of change of motion m that is carried along by motion v.
inline void cross_motion(const double * v, const double * m, double * out)
{
  double other[3];
  cross(v, m, out);
  cross(v, m + 3, out + 3);
  cross(v + 3, m, other);
  for (int i = 0; i < 3; i++) {
    out[3 + i] += other[i];
  }
}

// The same of a force (moment, force).
inline void cross_force(const double * v, const double * f, double * out)
{
  double other[3];
  cross(v, f, out);
  cross(v + 3, f + 3, other);
  for (int i = 0; i < 3; i++) {
    out[i] += other[i];
  }
  cross(v, f + 3, out + 3);
}

struct Body
{
  double mass;
  double moment[3];
  double inertia[9];

  void set(const Posture & posture, int i)
  {
    mass = posture.mass[i];
    std::copy(posture.moment[i], posture.moment[i] + 3, moment);
    std::copy(posture.inertia[i], posture.inertia[i] + 9, inertia);
  }
  void add(const Body & other)
  {
    mass += other.mass;
    for (int i = 0; i < 3; i++) {moment[i] += other.moment[i];}
    for (int i = 0; i < 9; i++) {inertia[i] += other.inertia[i];}
  }
  // Momentum of a motion, or force of an acceleration.
  void apply(const double * v, double * out) const
  {
    double other[3];
    rotate(inertia, v, out);
    cross(moment, v + 3, other);
    for (int i = 0; i < 3; i++) {out[i] += other[i];}
    cross(moment, v, other);
    for (int i = 0; i < 3; i++) {out[3 + i] = mass * v[3 + i] - other[i];}
  }
};

constexpr double kNothing[6] = {};

}  // namespace planning
