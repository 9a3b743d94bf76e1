# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Notes what the controller takes in and puts out, so that a run can be replayed bit for bit.

A torque depends on the joint state, on how old it was, on the plan, on the torque before and when
that was, and on what strikes the arm, which shows in the states and torques so far; a plan on the
joint state and target it was made for and on the plan before. The log numbers these and notes for
every torque and plan which ones it came from. So a run can be repeated in one thread whatever the
order was in which the controller's threads happened to work.
"""

from __future__ import annotations

from array import array

import numpy as np

from ebm_concept_ros.control.control_law import ControllerInputs, Decision
from ebm_concept_ros.control.journal import NOT_NOTED
from ebm_concept_ros.control.target import Target
from ebm_concept_ros.types import JointSample


class EventLog:
    """A Journal that appends to flat arrays, each from one thread only, and so needs no lock.

    Numbers count from 0 in the order of appending; NOT_NOTED stands for none.
    """

    def __init__(self, num_joints: int, max_decisions: int) -> None:
        self._n = num_joints
        self._unknown = np.full(num_joints, np.nan).tobytes()
        self._state_size = 3 * len(self._unknown)
        self._max_decisions = max_decisions
        self._open = True
        self.full = False
        # The thread that hears joint states
        self._stamps_ns = array('q')
        self._states = array('d')  # n positions, velocities and efforts of each, NaN for none
        # Targeting thread
        self._targets: list[dict] = []
        # Planning thread
        self._plans = array('q')  # state, target, plan before
        # Control thread
        # State, target, plan, mode, fault?, plan failure?, absent?, struck?, retreats?
        self._decisions = array('q')
        self._ages_s = array('d')
        self._elapsed_s = array('d')
        self._former_nm: list[np.ndarray] = []  # of the first decision, if there was a torque
        self._efforts_nm = array('d')  # n of each, NaN for none

    def state(self, sample: JointSample) -> int:
        """Note a joint state; return its number."""
        if not self._open:
            return NOT_NOTED
        packed = sample.packed
        if len(packed) < self._state_size:
            packed += self._unknown
        self._stamps_ns.append(sample.stamp_ns)
        self._states.frombytes(packed)
        return len(self._stamps_ns) - 1

    def target(self, target: Target) -> int:
        """Note scene and concept of a target; return its number."""
        if not self._open:
            return NOT_NOTED
        scene, concept = target.scene.scene, target.concept
        self._targets.append(
            {
                'concept': concept.name,
                'terms': [
                    {
                        'name': term.name,
                        'weight': weight,
                        'action_code': term.action_code.tolist(),
                        'argument_code': term.argument_code.tolist(),
                    }
                    for term, weight in zip(concept.terms, concept.weights, strict=True)
                ],
                'model_sha256': concept.model_sha256,
                'ids': list(target.scene.ids),
                'positions': scene.positions.tolist(),
                'colours': scene.colours.tolist(),
                'shapes': scene.shapes.tolist(),
                'movable': scene.movable.tolist(),
                'sizes_m': None if target.scene.sizes_m is None else target.scene.sizes_m.tolist(),
            }
        )
        return len(self._targets) - 1

    def plan(self, state: int, target: int, before: int) -> int:
        """Note a call of the planner and what it was given, by number; return the call's number.

        Calls that failed count too: a planner that draws random numbers may have drawn some.
        """
        if not self._open:
            return NOT_NOTED
        self._plans.extend((state, target, before))
        return len(self._plans) // 3 - 1

    def decision(
        self, inputs: ControllerInputs, state: int, target: int, plan: int, decision: Decision
    ) -> None:
        """Note a decision and the numbers of what it was made from."""
        if not self._open:
            return
        retreats = inputs.retreat_rad_s is not None
        words = (inputs.fault, inputs.plan_failure, inputs.absent)
        flags = (*map(bool, words), inputs.is_struck, retreats)
        self._decisions.extend((state, target, plan, int(decision.mode), *flags))
        if not self._ages_s and inputs.former_nm is not None:
            self._former_nm.append(inputs.former_nm)
        self._elapsed_s.append(inputs.elapsed_s)
        self._ages_s.append(inputs.age_s)
        effort = decision.effort_nm
        self._efforts_nm.frombytes(self._unknown if effort is None else effort.tobytes())
        if len(self._ages_s) >= self._max_decisions:
            self.full = True
            self._open = False

    def close(self) -> None:
        """Note nothing any more."""
        self._open = False

    def targets(self) -> list[dict]:
        """Return what was noted of each target."""
        return list(self._targets)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return S states, P plans and D decisions of a closed log.

        stamps_ns (S,), states (S, 2n) rad and rad/s, reported_nm (S, n) that acted, NaN where that
        is not said, plans (P, 3), decisions (D, 9), ages_s (D,), elapsed_s (D,) since the torque
        before, efforts_nm (D, n), former_nm (0 or 1, n) the torque before the first.
        """
        # Closing does not wait for the thread that may be within `state`.
        count, n = len(self._states) // (3 * self._n), self._n
        states = np.array(self._states[: 3 * n * count]).reshape(-1, 3 * n)
        return {
            'stamps_ns': np.array(self._stamps_ns[:count], np.int64),
            'states': states[:, : 2 * n],
            'reported_nm': states[:, 2 * n :],
            'plans': np.array(self._plans, np.int64).reshape(-1, 3),
            'decisions': np.array(self._decisions, np.int64).reshape(-1, 9),
            'ages_s': np.array(self._ages_s),
            'elapsed_s': np.array(self._elapsed_s),
            'former_nm': np.array(self._former_nm).reshape(-1, self._n),
            'efforts_nm': np.array(self._efforts_nm).reshape(-1, self._n),
        }
