# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The simulator dies while the arm moves: the controller holds against gravity."""

import signal
import time

import numpy as np
from faults import RATE_HZ, Status
from harness import ARM, JOINTS, wait_until

from ebm_concept_ros import conversions as cv
from ebm_concept_ros.control.control_law import ControlLaw


def stamp_ns(message):
    return cv.stamp_to_ns(message.header.stamp)


def test_when_the_joint_states_end_in_motion_it_holds(run):
    run.start_controller()
    run.set_in_motion()
    run.simulator.send(signal.SIGKILL)
    run.simulator.end()
    gone_s = time.time()
    reason = 'joint state is older than 50 ms'
    run.wait_for_status(Status.HOLDING, reason)
    seen = len(run.statuses)

    def held():
        """Return when each of the last torques went out, as far back as they are all the same."""
        efforts = list(run.efforts)
        last = efforts[-1][1].effort
        other = [number for number, (_, message) in enumerate(efforts) if message.effort != last]
        return [at for at, _ in efforts[other[-1] + 1 :]]

    wait_until(lambda: len(held()) >= 100, 'the torques of the hold')
    # The state is too old after 50 ms, and as many for a state that was still under way; a plan
    # that is tracked on never gives the same torque twice.
    assert sum(gone_s < at < held()[0] for at, _ in run.efforts) <= 0.1 * RATE_HZ
    status = run.wait_for_status(Status.HOLDING, reason)
    assert status.concept and {s.state for s in run.statuses[seen:]} == {Status.HOLDING}
    state = run.states[-1]
    torque = run.efforts[-1][1]
    # The last state need not have come here; then the arm is where it went in the meantime.
    assert abs(stamp_ns(torque) - stamp_ns(state)) < 20_000_000
    gravity_nm = ControlLaw(ARM, 0.05, 1 / RATE_HZ).hold_effort(
        np.array(state.position), np.zeros(len(JOINTS))
    )
    exact = stamp_ns(torque) == stamp_ns(state)
    np.testing.assert_allclose(torque.effort, gravity_nm, rtol=0, atol=1e-6 if exact else 0.5)
    run.check_torques()
