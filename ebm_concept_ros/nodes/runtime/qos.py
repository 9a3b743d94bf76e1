# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Quality of service of each topic, in one place, so that the two ends of a topic agree."""

from __future__ import annotations

from copy import copy

from rclpy.qos import DurabilityPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

# The latest value, also for nodes that come later.
LATCHED = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)
DEMONSTRATIONS = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)
COMMANDS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
# In real time a command that is late is of no use: none is acknowledged, or sent again.
COMMANDS_REAL_TIME = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
STATUS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
# A reliable publisher also serves best-effort subscriptions; in lockstep no state may be lost.
JOINT_STATES_PUBLISHED = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
JOINT_STATES_LOCKSTEP = JOINT_STATES_PUBLISHED
# In real time the newest state is the only one of use: nothing is sent again.
JOINT_STATES_REAL_TIME = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
# Of who looks once in a while, and takes all that have come: of 500 a second, those of 0.1 s.
JOINT_STATES_POLLED = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)
# Only the newest is looked at; reliable, as those who look on ask for.
PLANS = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
MARKERS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
# As tf2's own broadcaster publishes them.
TRANSFORMS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
# Of who only looks on, for whom nothing is to be sent again.
STATUS_LOOKED_AT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
CLOCK = QoSProfile(depth=10)
DIAGNOSTICS = QoSProfile(depth=10)

_POLICIES = (
    QoSPolicyKind.HISTORY,
    QoSPolicyKind.DEPTH,
    QoSPolicyKind.RELIABILITY,
    QoSPolicyKind.DURABILITY,
)


def overridable(profile: QoSProfile) -> dict[str, object]:
    """Return the arguments that make a publisher or a subscription with this profile.

    Parameters `qos_overrides./<topic>.<publisher or subscription>.<policy>` may say otherwise.
    """
    options = QoSOverridingOptions(policy_kinds=_POLICIES)
    # A copy: rclpy writes what a parameter overrides into the profile that it is given.
    return {'qos_profile': copy(profile), 'qos_overriding_options': options}
