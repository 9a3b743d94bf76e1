# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Simulator and controller in a domain of their own, for tests that inject faults into them."""

import os
import resource
import time
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from harness import ARM, JOINTS, Probe, claim_domain, keeping, running, wait_until
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.control.contact_reflex import IGNORE
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.types import ConceptCodes
from ebm_core.relational.model import load_model

Status = ros.ControllerStatus

# The frame of joint states and torques that a test sends: `Run` is deaf to them.
INJECTED = 'injected'
# A torque that is in every bad command, and in no good one.
BAD_NM = 0.123456
# So deep that none is lost where this process is kept waiting.
_EVERY_ONE = QoSProfile(depth=5000, reliability=ReliabilityPolicy.RELIABLE)
_RESEND_AFTER_S = 0.1
# Of states and torques. Half the default is half of the work, and what is to hold does at any rate;
# a soak is at the default.
RATE_HZ = 500.0 if 'EBM_SOAK_S' in os.environ else 250.0
# A fault needs no fresher plans; at the default of 125 a second most of the time goes into them.
_PLAN_RATE_HZ = 50.0


def concept_message(model, name, seed, understanding=(np.nan, np.nan)):
    """understanding: the score, and what it takes."""
    action, argument = np.random.default_rng(seed).normal(size=(2, model.code_size))
    codes = ConceptCodes(name, action, argument, model.sha256, 5, (), (), *understanding)
    return cv.concept_to_message(codes)


class Run:
    """A simulator and a controller in a domain of their own, and all that they say."""

    def __init__(self, nodes, folder, weights, concept='between'):
        self._nodes, self._folder, self.weights = nodes, folder, weights
        self.fault = folder / 'fault'
        domain, lock = claim_domain()
        nodes.callback(lock.close)
        self._patch = nodes.enter_context(pytest.MonkeyPatch.context())
        self._patch.setenv('ROS_DOMAIN_ID', str(domain))
        self._patch.setenv('PLANNER_FAULT', str(self.fault))
        self.probe = Probe()
        nodes.callback(self.probe.close)
        self.states = []
        self.probe.node.create_subscription(
            JointState,
            'joint_states',
            lambda message: is_injected(message) or self.states.append(message),
            _EVERY_ONE,
        )
        self.statuses = self.probe.listen(Status, 'controller/status', qos.STATUS)
        self.efforts = []  # (when it was published, s on the system's clock; message)
        self.probe.listen_with_times(
            JointState,
            'joint_effort_commands',
            _EVERY_ONE,
            lambda at_s, message: is_injected(message) or self.efforts.append((at_s, message)),
        )
        self.model = load_model(weights)
        self._concepts = self.probe.publisher(ros.Concept, 'concept', qos.LATCHED, matched=False)
        self._concept = 0
        self.simulator = nodes.enter_context(
            running('simulator', folder, concept=concept, rate=RATE_HZ, **keeping('joint_states'))
        )

    def start_controller(self, script=None, **parameters):
        """Return it, at once."""
        parameters = {
            'model_dir': self.weights,
            'state_rate': RATE_HZ,
            'control_rate': RATE_HZ,
            'plan_rate': _PLAN_RATE_HZ,
            # What is kept waiting by the machine looks like a blow, after which the arm holds until
            # it is told to go on.
            'on_contact': IGNORE,
            **keeping('controller/status', 'joint_effort_commands', 'diagnostics'),
        } | parameters
        return self._nodes.enter_context(
            running('controller', self._folder, script=script, **parameters)
        )

    def publish_concept(self, seed, understanding=(np.nan, np.nan)):
        name = f'concept_{seed}'
        self._concepts.publish(concept_message(self.model, name, seed, understanding))
        return name

    def set_in_motion(self):
        """Give it one concept after another, until the arm moves; return the last one's name."""
        next_ns = 0

        def moves():
            nonlocal next_ns
            name = f'concept_{self._concept}'
            if not self.statuses or self.statuses[-1].concept != name:
                return False
            if self.speed() > 0.1:
                return True
            # A second to set out; it may already be where the concept wants it.
            next_ns = next_ns or self.now_ns() + 1_000_000_000
            if self.now_ns() > next_ns:
                self._concept, next_ns = self._concept + 1, 0
                self.publish_concept(self._concept)
            return False

        self._concept += 1
        self.publish_concept(self._concept)
        try:
            wait_until(moves, 'motion')
        except AssertionError as error:
            error.add_note(f'{len(self.states)} joint states, last status {self.statuses[-1:]}')
            raise
        return f'concept_{self._concept}'

    def send_until_refused(self, publish, message, part, reason):
        """Wait until `part` refuses the message and says so, with the reason.

        What is best effort may be lost, and what is latched replaced before it is read: it is sent
        again until it is.
        """
        self.probe.diagnostics.clear()
        send_until(
            lambda: any(reason in text for text in self.probe.reports(f'{part}: refused')),
            lambda: publish(message),
            f'{reason!r} of {part}',
        )

    def speed(self):
        return np.abs(self.states[-1].velocity).max() if self.states else 0.0

    def wait_for_status(self, state, text='', concept=None):
        """Wait for a status that comes from now on."""
        seen = len(self.statuses)

        def found():
            return [
                s
                for s in self.statuses[seen:]
                if s.state == state and text in s.reason and concept in (None, s.concept)
            ]

        wait_until(lambda: bool(found()), f'status {state} {text!r}')
        return found()[0]

    def check_torques(self):
        """Check every torque that came since the last time, at least one, and forget them."""
        wait_until(lambda: self.efforts, 'a torque')
        efforts = list(self.efforts)
        del self.efforts[: len(efforts)]  # others may have come in the meantime
        came_s = np.array([at for at, _ in efforts])
        torques = np.array([cv.effort_from_message(m, JOINTS).efforts_nm for _, m in efforts])
        assert np.isfinite(torques).all() and (np.abs(torques) <= ARM.effort_limits_nm).all()
        # Each was decided on after the one before it was published, however late it was itself.
        steps = np.abs(np.diff(torques, axis=0))[1:]
        passed_s = (came_s[2:] - came_s[:-2])[:, None]
        assert (steps <= ARM.effort_rate_limits_nm_s * passed_s + 1e-9).all()

    def forget(self):
        """Forget what was heard but for the last of it."""
        for heard in (self.states, self.statuses, self.efforts, self.probe.diagnostics):
            del heard[:-1]

    def now_ns(self):
        wait_until(lambda: self.states, 'a joint state')
        return cv.stamp_to_ns(self.states[-1].header.stamp)

    def wait_ns(self, duration_ns):
        """Wait for that much simulated time."""
        until = self.now_ns() + duration_ns
        wait_until(lambda: self.now_ns() >= until, 'simulated time to pass')


def send_until(condition, send, what):
    """Send, again and again, until the condition holds."""
    due_s = 0.0

    def holds():
        nonlocal due_s
        if time.monotonic() >= due_s:
            send()
            due_s = time.monotonic() + _RESEND_AFTER_S
        return bool(condition())

    wait_until(holds, what)


def is_injected(message):
    return message.header.frame_id == INJECTED


def joint_message(names, **values):
    message = JointState(name=list(names), **{k: list(map(float, v)) for k, v in values.items()})
    message.header.frame_id = INJECTED
    return message


@contextmanager
def full_disk(pid, size):
    """Let no file of a process grow beyond size bytes, as on a disk that is full."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # it has ended
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
