// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// A whole plan of iLQG, as planning/ilqg.py makes it, which is what the tests hold this against.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "arm.hpp"
#include "backward.hpp"
#include "motion_cost.hpp"

namespace planning
{

struct Settings
{
  int steps, iterations, cold_iterations, shares;
  double least_regularisation, most_regularisation;
  const double * share;  // (shares,), of the line search
  const double * limits;  // (n,) N m
};

// The plan before: its states, efforts and gains, of `steps` steps, `knots` steps ago.
struct Former
{
  int steps;
  double knots;
  const double * states;
  const double * efforts;
  const double * gains;
};

struct Output
{
  double * states;  // (steps + 1, 2n)
  double * efforts;  // (steps, n)
  double * gains;  // (steps, n, 2n)
  double cost;
};

enum Failure { kDiverged = -1, kNotConvex = -2 };

// For a cost, and goals of it: for both there are cost_of and cost_model.
template<class Cost, class Goal>
class Ilqg
{
public:
  Ilqg(const Arm & arm, const Cost & cost, const Settings & settings)
  : arm_(arm), cost_(cost), settings_(settings), n_(arm.n), m_(2 * arm.n),
    now_(arm.n, settings.steps), next_(arm.n, settings.steps)
  {
    const int steps = settings.steps;
    velocity_.resize(steps * n_ * 3 * n_);
    gradient_.resize((steps + 1) * m_);
    hessian_.resize((steps + 1) * m_ * m_);
    feedforward_.resize(steps * n_);
    gains_.resize(steps * n_ * m_);
    given_efforts_.resize(steps * n_);
    reference_.resize(steps * m_);
  }

  // The number of iterations, or why there is no plan. former: null where there is none.
  int plan(const double * start, const Former * former, const Goal & goal, Output & out)
  {
    if (former) {
      follow(*former);
    }
    const bool rolled = former ?
      roll(start, given_efforts_.data(), nullptr, 0.0, reference_.data(), now_) : rest(start);
    double cost = rolled ? value(now_, goal) : NAN;
    if (!std::isfinite(cost)) {
      return kDiverged;
    }
    double regularisation = settings_.least_regularisation;
    const int iterations = former ? settings_.iterations : settings_.cold_iterations;
    int done = 0;
    while (done < iterations) {
      done++;
      if (!model(goal)) {
        return kDiverged;
      }
      while (!backward(regularisation)) {
        regularisation *= 10.0;
        if (regularisation > settings_.most_regularisation) {
          return kNotConvex;
        }
      }
      const double before = cost;
      if (!search(cost, goal)) {
        regularisation = std::min(regularisation * 100.0, settings_.most_regularisation);
        continue;
      }
      regularisation = std::max(regularisation / 10.0, settings_.least_regularisation);
      if (before - cost < 1e-6 * std::max(cost, 1e-3)) {
        break;
      }
    }
    std::copy(now_.states.begin(), now_.states.end(), out.states);
    std::copy(now_.efforts.begin(), now_.efforts.end(), out.efforts);
    std::copy(gains_.begin(), gains_.end(), out.gains);
    out.cost = cost;
    return done;
  }

private:
  struct Rollout
  {
    Rollout(int n, int steps)
    : states((steps + 1) * 2 * n), efforts(steps * n), bias(steps * n), postures(steps + 1) {}
    std::vector<double> states, efforts, bias;
    std::vector<Posture> postures;
  };

  // Sets efforts, gains and reference to those of the plan before from here on.
  void follow(const Former & former)
  {
    for (int k = 0; k < settings_.steps; k++) {
      const double knots = former.knots + k;
      const int index = std::min(static_cast<int>(knots), former.steps - 1);
      const int after = std::min(index + 1, former.steps - 1);
      const double part = std::min(knots - index, 1.0);
      for (int j = 0; j < m_; j++) {
        reference_[k * m_ + j] = former.states[index * m_ + j] * (1.0 - part) +
          former.states[(index + 1) * m_ + j] * part;
      }
      for (int i = 0; i < n_; i++) {
        given_efforts_[k * n_ + i] = former.efforts[index * n_ + i] * (1.0 - part) +
          former.efforts[after * n_ + i] * part;
      }
      const double * gains = former.gains + index * n_ * m_;
      std::copy(gains, gains + n_ * m_, &gains_[k * n_ * m_]);
    }
  }

  // Rolls out under efforts + share * feedforward + gains (x - reference), within the limits.
  bool roll(
    const double * start, const double * efforts, const double * feedforward, double share,
    const double * reference, Rollout & out)
  {
    std::copy(start, start + m_, out.states.begin());
    double apart[2 * kMaxJoints];
    for (int k = 0; k < settings_.steps; k++) {
      double * state = &out.states[k * m_];
      double * effort = &out.efforts[k * n_];
      for (int j = 0; j < m_; j++) {apart[j] = state[j] - reference[k * m_ + j];}
      for (int i = 0; i < n_; i++) {
        const double * gain = &gains_[(k * n_ + i) * m_];
        effort[i] = 0.0;
        for (int j = 0; j < m_; j++) {effort[i] += gain[j] * apart[j];}
        const double fed = feedforward ? share * feedforward[k * n_ + i] : 0.0;
        effort[i] += efforts[k * n_ + i] + fed;
      }
      set_posture(arm_, state, out.postures[k]);
      dynamics(arm_, out.postures[k], state, state + n_, &out.bias[k * n_], inertia_);
      if (!step(k, out)) {
        return false;
      }
    }
    set_posture(arm_, &out.states[settings_.steps * m_], out.postures[settings_.steps]);
    return true;
  }

  // The rollout that only carries the arm's weight and brakes; nothing follows it.
  bool rest(const double * start)
  {
    double braking[kMaxJoints];
    std::fill(gains_.begin(), gains_.end(), 0.0);
    std::copy(start, start + m_, now_.states.begin());
    for (int k = 0; k < settings_.steps; k++) {
      const double * state = &now_.states[k * m_];
      set_posture(arm_, state, now_.postures[k]);
      dynamics(arm_, now_.postures[k], state, state + n_, &now_.bias[k * n_], inertia_);
      for (int i = 0; i < n_; i++) {
        if (k == 0) {braking[i] = inertia_[i * n_ + i] / (4.0 * arm_.step_s);}
        now_.efforts[k * n_ + i] = now_.bias[k * n_ + i] - braking[i] * state[n_ + i];
      }
      if (!step(k, now_)) {
        return false;
      }
    }
    set_posture(arm_, &now_.states[settings_.steps * m_], now_.postures[settings_.steps]);
    return true;
  }

  // Clips the efforts at a knot, and takes its state one step further.
  bool step(int k, Rollout & out)
  {
    const double * state = &out.states[k * m_];
    double * effort = &out.efforts[k * n_];
    double * after = &out.states[(k + 1) * m_];
    for (int i = 0; i < n_; i++) {
      effort[i] = std::min(std::max(effort[i], -settings_.limits[i]), settings_.limits[i]);
    }
    const bool solved =
      accelerate(arm_, inertia_, &out.bias[k * n_], state + n_, effort, after + n_);
    for (int i = 0; i < n_; i++) {after[i] = state[i] + arm_.step_s * after[n_ + i];}
    return solved;
  }

  Knot knot(const Rollout & rollout, int k) const
  {
    const bool last = k == settings_.steps;
    return {
      &rollout.states[k * m_], last ? nullptr : &rollout.efforts[k * n_],
      last ? nullptr : &rollout.bias[k * n_], rollout.postures[k].site, rollout.postures[k].axis,
      rollout.postures[k].side, k};
  }

  double value(const Rollout & rollout, const Goal & goal) const
  {
    double total = 0.0;
    for (int k = 0; k <= settings_.steps; k++) {
      const double factor = k == settings_.steps ? cost_.terminal : 1.0;
      total += factor * cost_of(cost_, goal, n_, knot(rollout, k));
    }
    return total;
  }

  // Linearises the dynamics along the rollout, and sets the cost's quadratic model.
  bool model(const Goal & goal)
  {
    double place[3 * kMaxJoints], turn[3 * kMaxJoints], accelerations[kMaxJoints];
    for (int k = 0; k <= settings_.steps; k++) {
      const Posture & posture = now_.postures[k];
      const double * state = &now_.states[k * m_];
      site_jacobian(arm_, posture, place, turn);
      cost_model(
        cost_, goal, n_, knot(now_, k), place, turn, &gradient_[k * m_], &hessian_[k * m_ * m_]);
      if (k < settings_.steps) {
        for (int i = 0; i < n_; i++) {
          accelerations[i] = (state[m_ + n_ + i] - state[n_ + i]) / arm_.step_s;
        }
        double * velocity = &velocity_[k * n_ * 3 * n_];
        if (!linearise(arm_, posture, state + n_, accelerations, velocity)) {
          return false;
        }
      }
    }
    for (int j = 0; j < m_; j++) {gradient_[settings_.steps * m_ + j] *= cost_.terminal;}
    for (int j = 0; j < m_ * m_; j++) {
      hessian_[settings_.steps * m_ * m_ + j] *= cost_.terminal;
    }
    return true;
  }

  bool backward(double regularisation)
  {
    const int steps = settings_.steps, columns = 1 + m_;
    double value[2 * kMaxJoints], hessian[4 * kMaxJoints * kMaxJoints];
    double out[kMaxJoints * (1 + 2 * kMaxJoints)];
    double effort[kMaxJoints], weight[kMaxJoints], regular[kMaxJoints];
    double low[kMaxJoints], high[kMaxJoints];
    for (int i = 0; i < n_; i++) {
      weight[i] = 2.0 * cost_.effort * cost_.effort_scale[i] * cost_.effort_scale[i];
      regular[i] = weight[i] * (1.0 + 1e3 * regularisation);
    }
    std::copy(&gradient_[steps * m_], &gradient_[steps * m_] + m_, value);
    std::copy(&hessian_[steps * m_ * m_], &hessian_[steps * m_ * m_] + m_ * m_, hessian);
    for (int k = steps - 1; k >= 0; k--) {
      for (int i = 0; i < n_; i++) {
        const double torque = now_.efforts[k * n_ + i];
        effort[i] = weight[i] * (torque - now_.bias[k * n_ + i]);
        low[i] = -settings_.limits[i] - torque;
        high[i] = settings_.limits[i] - torque;
      }
      const Step step{
        n_, arm_.step_s, &velocity_[k * n_ * 3 * n_], &gradient_[k * m_], &hessian_[k * m_ * m_],
        effort, regular, low, high};
      if (!step_back(step, value, hessian, out)) {
        return false;
      }
      for (int i = 0; i < n_; i++) {
        feedforward_[k * n_ + i] = out[i * columns];
        std::copy(
          out + i * columns + 1, out + (i + 1) * columns, &gains_[(k * n_ + i) * m_]);
      }
    }
    return true;
  }

  bool search(double & cost, const Goal & goal)
  {
    for (int i = 0; i < settings_.shares; i++) {
      const bool rolled = roll(
        now_.states.data(), now_.efforts.data(), feedforward_.data(), settings_.share[i],
        now_.states.data(), next_);
      const double candidate = rolled ? value(next_, goal) : NAN;
      if (candidate < cost) {
        std::swap(now_, next_);
        cost = candidate;
        return true;
      }
    }
    return false;
  }

  const Arm arm_;
  const Cost cost_;
  const Settings settings_;
  const int n_, m_;
  Rollout now_, next_;
  std::vector<double> velocity_, gradient_, hessian_, feedforward_, gains_;
  std::vector<double> given_efforts_, reference_;
  double inertia_[kMaxJoints * kMaxJoints];
};

}  // namespace planning
