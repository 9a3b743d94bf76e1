// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

#include "cost.hpp"

#include <algorithm>
#include <cmath>

#include "arm.hpp"

namespace planning
{
namespace
{

struct Sample
{
  double value;
  double gradient[2];
  double hessian[3];  // xx, xy, yy
};

// Negative eigenvalues of a symmetric matrix (xx, xy, yy) become zero.
void make_convex(double * h)
{
  const double mean = 0.5 * (h[0] + h[2]);
  const double radius = std::hypot(0.5 * (h[0] - h[2]), h[1]);
  const double larger = mean + radius, smaller = mean - radius;
  if (smaller >= 0.0) {
    return;
  }
  if (larger <= 0.0) {
    h[0] = h[1] = h[2] = 0.0;
    return;
  }
  const double scale = larger / (larger - smaller);
  h[0] = scale * (h[0] - smaller);
  h[1] = scale * h[1];
  h[2] = scale * (h[2] - smaller);
}

// The field's cost at a place in the plane; its derivatives if they are asked for.
template<bool derivatives>
Sample look_up(const Field & field, const double * place)
{
  Sample out{};
  double t[2], outside[2];
  int cell[2];
  for (int i = 0; i < 2; i++) {
    const double inside = std::min(std::max(place[i], -field.half_width), field.half_width);
    outside[i] = place[i] - inside;
    const double at = (inside - field.origin) / field.step;
    cell[i] = std::min(std::max(static_cast<int>(at), 0), field.cells - 1);
    t[i] = inside - (field.origin + cell[i] * field.step);
  }
  const double * c = field.coefficients + 16 * (cell[0] * field.cells + cell[1]);
  const double y = t[1], x = t[0];
  double row[4], by_y[4], by_yy[4];
  for (int i = 0; i < 4; i++, c += 4) {
    row[i] = c[0] + y * (c[1] + y * (c[2] + y * c[3]));
    by_y[i] = c[1] + y * (2.0 * c[2] + y * 3.0 * c[3]);
    by_yy[i] = 2.0 * c[2] + y * 6.0 * c[3];
  }
  const auto value = [x](const double * r) {return r[0] + x * (r[1] + x * (r[2] + x * r[3]));};
  const auto slope = [x](const double * r) {return r[1] + x * (2.0 * r[2] + x * 3.0 * r[3]);};
  out.value = value(row) + square(outside[0]) + square(outside[1]);
  if (derivatives) {
    out.gradient[0] = slope(row);
    out.gradient[1] = value(by_y);
    out.hessian[0] = 2.0 * row[2] + x * 6.0 * row[3];
    out.hessian[1] = slope(by_y);
    out.hessian[2] = value(by_yy);
    for (int i = 0; i < 2; i++) {
      if (outside[i] != 0.0) {
        out.gradient[i] = 2.0 * outside[i];
        out.hessian[2 * i] = 2.0;
        out.hessian[1] = 0.0;
      }
    }
    make_convex(out.hessian);
  }
  return out;
}

void in_plane(const Cost & cost, const double * site, double * place)
{
  for (int i = 0; i < 2; i++) {place[i] = (site[i] - cost.centre[i]) / cost.metres_per_unit;}
}

// How near a place along the hand is to a circle, in units of what costs 1; and the way out.
double nearness(
  const Cost & cost, const Field & field, const Knot & knot, double above_m, int circle,
  double * out)
{
  double place[2], site[2];
  for (int i = 0; i < 2; i++) {site[i] = knot.site[i] - above_m * knot.axis[i];}
  in_plane(cost, site, place);
  for (int i = 0; i < 2; i++) {out[i] = place[i] - field.centres[2 * circle + i];}
  const double distance = std::sqrt(square(out[0]) + square(out[1]));
  for (int i = 0; i < 2; i++) {out[i] /= std::max(distance, 1e-9);}
  return std::max((field.radii[circle] - distance) / cost.near_units, 0.0);
}

}  // namespace

double cost_of(const Cost & cost, const Field & field, int n, const Knot & knot)
{
  double place[2], total = 0.0;
  in_plane(cost, knot.site, place);
  total += cost.energy * look_up<false>(field, place).value;
  total += cost.height * square((knot.site[2] - cost.height_m) / cost.height_scale_m);
  total += cost.tilt * (square(knot.axis[0]) + square(knot.axis[1]));
  total += motion_cost(cost, n, knot);
  double near = 0.0, out[2];
  for (int circle = 0; circle < field.circles; circle++) {
    for (double share : field.hand_shares) {
      near += square(nearness(cost, field, knot, share * field.above_m, circle, out));
    }
  }
  return total + cost.obstacle * near;
}

void cost_model(
  const Cost & cost, const Field & field, int n, const Knot & knot, const double * place,
  const double * turn, double * gradient, double * hessian)
{
  const int m = 2 * n;
  std::fill(gradient, gradient + m, 0.0);
  std::fill(hessian, hessian + m * m, 0.0);
  double at[2], x[kMaxJoints], y[kMaxJoints], slope[kMaxJoints], tilt[3 * kMaxJoints];
  in_plane(cost, knot.site, at);
  const Sample sample = look_up<true>(field, at);
  turned(n, turn, knot.axis, tilt);
  for (int i = 0; i < n; i++) {
    x[i] = place[i] / cost.metres_per_unit;
    y[i] = place[n + i] / cost.metres_per_unit;
  }
  for (int i = 0; i < n; i++) {
    gradient[i] = cost.energy * (sample.gradient[0] * x[i] + sample.gradient[1] * y[i]);
    const double hx = sample.hessian[0] * x[i] + sample.hessian[1] * y[i];
    const double hy = sample.hessian[1] * x[i] + sample.hessian[2] * y[i];
    for (int j = 0; j < n; j++) {hessian[i * m + j] = cost.energy * (hx * x[j] + hy * y[j]);}
  }
  for (int i = 0; i < n; i++) {slope[i] = place[2 * n + i] / cost.height_scale_m;}
  add_residual(
    n, cost.height, (knot.site[2] - cost.height_m) / cost.height_scale_m, slope, gradient, hessian);
  for (int d = 0; d < 2; d++) {add_residual(n, cost.tilt, knot.axis[d], tilt + d * n, gradient, hessian);}

  double out[2];
  const double scale = -1.0 / (cost.near_units * cost.metres_per_unit);
  for (int circle = 0; circle < field.circles; circle++) {
    for (double share : field.hand_shares) {
      const double above_m = share * field.above_m;
      const double near = nearness(cost, field, knot, above_m, circle, out);
      if (near > 0.0) {
        for (int i = 0; i < n; i++) {
          slope[i] = scale * (out[0] * (place[i] - above_m * tilt[i]) +
            out[1] * (place[n + i] - above_m * tilt[n + i]));
        }
        add_residual(n, cost.obstacle, near, slope, gradient, hessian);
      }
    }
  }
  add_motion_model(cost, n, knot, gradient, hessian);
}

}  // namespace planning
