# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Joint states and efforts, matched by joint name."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray, MultiArrayDimension

from ebm_concept_ros.conversions.stamps import ns_to_stamp, set_stamp, stamp_to_ns
from ebm_concept_ros.types import EffortCommand, JointSample
from ebm_core.world.scene import (
    InvalidInput,
)

# linear_feedback_controller_msgs/Control, which need not be installed.
LinearFeedback = TypeVar('LinearFeedback')

# Beyond these no arm is; a joint that has wound itself up has a large angle, never a large speed.
_MAX_POSITION_RAD = 1e6
_MAX_VELOCITY_RAD_S = 100.0


def joint_state_from_message(
    message: JointState, joint_names: Sequence[str], stamp_ns: int | None = None
) -> JointSample:
    """Return positions, velocities and efforts in the order of joint_names; matched by name.

    Joints that are not the arm's (a gripper's, say) are ignored; a missing one is refused.
    stamp_ns: in place of the header's.
    """
    positions, order = _positions(message, joint_names)
    velocities = _per_joint(
        message.velocity, message.name, order, 'joint_states.velocity', _MAX_VELOCITY_RAD_S
    )
    if stamp_ns is None:
        stamp_ns = stamp_to_ns(message.header.stamp)
    return JointSample(stamp_ns, positions, velocities, _efforts(message, order))


def _positions(message: JointState, joint_names: Sequence[str]) -> tuple[np.ndarray, Sequence[int]]:
    order = _order(message.name, joint_names, 'joint_states', extra_allowed=True)
    field = 'joint_states.position'
    return _per_joint(message.position, message.name, order, field, _MAX_POSITION_RAD), order


def _efforts(message: JointState, order: Sequence[int]) -> np.ndarray | None:
    """Return efforts (n,) N·m of the names in that order, None where it is not said what acts.

    Drivers leave them out, or say NaN: nothing of a joint state is refused for that.
    """
    if len(message.effort) != len(message.name):
        return None
    efforts = _in_order(message.effort, order)
    known = math.isfinite(efforts.dot(efforts)) or np.isfinite(efforts).all()
    return efforts if known else None


def joint_positions_from_message(
    message: JointState, joint_names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return positions (n,) rad and efforts as a state has them, whatever its velocities are."""
    positions, order = _positions(message, joint_names)
    return positions, _efforts(message, order)


def joint_sample(
    stamp_ns: int,
    positions_rad: np.ndarray,
    velocities_rad_s: np.ndarray,
    joint_names: Sequence[str],
    efforts_nm: np.ndarray | None = None,
) -> JointSample:
    """Return the sample; refuses velocities that no joint has."""
    _require_within(velocities_rad_s, _MAX_VELOCITY_RAD_S, joint_names, 'joint_states.velocity')
    return JointSample(stamp_ns, positions_rad, velocities_rad_s, efforts_nm)


def joint_state_to_message(
    joint_names: Sequence[str],
    positions_rad: np.ndarray,
    velocities_rad_s: np.ndarray,
    efforts_nm: np.ndarray,
    stamp_ns: int,
    message: JointState | None = None,
) -> JointState:
    """Return the message of the joints' positions, velocities and applied efforts.

    message: see effort_to_message.
    """
    message = effort_to_message(joint_names, efforts_nm, stamp_ns, message)
    message.position = array('d', positions_rad.tolist())
    message.velocity = array('d', velocities_rad_s.tolist())
    return message


def effort_from_message(message: JointState, joint_names: Sequence[str]) -> EffortCommand:
    """Return the efforts in the order of joint_names; exactly those joints, in any order."""
    order = _order(message.name, joint_names, 'joint_effort_commands', extra_allowed=False)
    efforts = _per_joint(message.effort, message.name, order, 'joint_effort_commands.effort')
    return EffortCommand(stamp_to_ns(message.header.stamp), efforts)


def effort_to_message(
    joint_names: Sequence[str],
    efforts_nm: np.ndarray,
    stamp_ns: int,
    message: JointState | None = None,
) -> JointState:
    """Return the command's message; stamp_ns is that of the joint state it answers.

    message: of the same joints, which nobody needs any more; it is filled in anew and returned.
    That is for loops, as to make another takes longer than to fill it in.
    """
    if message is None:
        message = JointState(name=list(joint_names))
    set_stamp(message.header.stamp, stamp_ns)
    message.effort = array('d', efforts_nm.tolist())
    return message


def efforts_to_array(efforts_nm: np.ndarray) -> Float64MultiArray:
    """Return the torques (n,) N·m as forward_command_controller takes them."""
    return Float64MultiArray(data=array('d', efforts_nm.tolist()))


def linear_feedback_to_message(
    message: LinearFeedback,
    joint_names: Sequence[str],
    efforts_nm: np.ndarray,
    gains: np.ndarray | None,
    sample: JointSample,
) -> LinearFeedback:
    """Fill a linear_feedback_controller_msgs/Control in, and return it.

    Its controller applies feedforward + feedback_gain (x̂ - x), with x̂ the initial state: here the
    sample that the torque was decided for, so that feedforward is that torque, within its limits
    and rates. gains: (n, 2n) of u + K (x - x̂), so with the other sign; None for a hold, which has
    none.
    """
    n = len(efforts_nm)
    if gains is None:
        gains = np.zeros((n, 2 * n))
    message.header.stamp = ns_to_stamp(sample.stamp_ns)
    message.feedforward = _matrix(efforts_nm[:, None])
    message.feedback_gain = _matrix(-gains)
    message.initial_state.header.stamp = message.header.stamp
    message.initial_state.joint_state = joint_state_to_message(
        joint_names, sample.positions_rad, sample.velocities_rad_s, efforts_nm, sample.stamp_ns
    )
    return message


def _matrix(values: np.ndarray) -> Float64MultiArray:
    rows, columns = values.shape
    message = Float64MultiArray(data=array('d', values.ravel().tolist()))
    message.layout.dim = [
        MultiArrayDimension(label='rows', size=rows, stride=rows * columns),
        MultiArrayDimension(label='cols', size=columns, stride=columns),
    ]
    return message


def _order(
    names: Sequence[str], wanted: Sequence[str], topic: str, extra_allowed: bool
) -> Sequence[int]:
    """Return where each wanted name stands in names: a range where that is in the same order."""
    if tuple(names) == tuple(wanted):
        return range(len(names))
    index = {name: i for i, name in enumerate(names)}
    if len(index) != len(names):
        raise InvalidInput(f'{topic}.name: a joint is named twice in {list(names)}')
    missing = [name for name in wanted if name not in index]
    if missing:
        raise InvalidInput(
            f'{topic}.name: {missing} missing; given {list(names)}, expected {list(wanted)}'
        )
    if not extra_allowed and len(names) != len(wanted):
        unknown = [name for name in names if name not in wanted]
        raise InvalidInput(f'{topic}.name: unknown {unknown}; expected exactly {list(wanted)}')
    return [index[name] for name in wanted]


def _in_order(values: Sequence[float], order: Sequence[int]) -> np.ndarray:
    is_own = isinstance(values, np.ndarray) and not values.flags.writeable
    out = values if is_own else np.array(values, float)
    return out if isinstance(order, range) else out[order]


def _per_joint(
    values: Sequence[float],
    names: Sequence[str],
    order: Sequence[int],
    field: str,
    limit: float = sys.float_info.max,
) -> np.ndarray:
    """Return the values in that order; refuses what is not finite or beyond ± limit."""
    if len(values) != len(names):
        raise InvalidInput(f'{field}: {len(values)} values for {len(names)} names')
    out = _in_order(values, order)
    out.setflags(write=False)
    # One sum of squares is faster than to look at each, and mostly tells enough; NaN is not below.
    if not out.dot(out) <= limit:
        _require_within(out, limit, [names[i] for i in order], field)
    return out


def _require_within(
    values: np.ndarray, limit: float, joint_names: Sequence[str], field: str
) -> None:
    if not np.isfinite(values).all():
        joint = int((~np.isfinite(values)).argmax())
        raise InvalidInput(f'{field}: joint {joint_names[joint]!r} has {values[joint]}')
    beyond = np.abs(values) > limit
    if beyond.any():
        joint = int(beyond.argmax())
        raise InvalidInput(
            f'{field}: joint {joint_names[joint]!r} has {values[joint]:g}, out of any range'
        )
