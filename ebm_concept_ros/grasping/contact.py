# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Blows against an arm that grasps and carries, which by itself shows torque from outside, too."""

from __future__ import annotations

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.control.contact_reflex import HOLD, ContactReflex
from ebm_concept_ros.control.control_law import ControllerInputs
from ebm_concept_ros.grasping.hand import HandConfig, with_grasp_site
from ebm_concept_ros.grasping.world import BlockWorld
from ebm_concept_ros.types import JointSample

# Between two states of one motion; after a longer time the watch begins anew.
LONGEST_STEP_S = 0.05


class ContactWatch:
    """Watches the arm's own joints, for one thread.

    What fingers press on each other is none of theirs. What is carried, fingers that come upon a
    block one after the other, and a table that is stood on stay below the reach's own threshold:
    docs/arranging.md says by how much.
    """

    def __init__(self, arm: ArmConfig, hand: HandConfig) -> None:
        self._n = len(arm.joints)
        self._reflex = ContactReflex(with_grasp_site(arm, hand), HOLD, LONGEST_STEP_S)

    @property
    def share(self) -> float:
        """How much of its threshold the joint has from outside that is struck hardest."""
        return self._reflex.share

    def after_step(self, world: BlockWorld) -> str:
        """Return why something strikes the arm after a step, in words, or nothing.

        What acted in it is what the driver says the motors exerted, and else what they were told.
        """
        n, impulse = self._n, getattr(world, 'impulse', None)
        sample = JointSample(
            round(world.time_s * 1e9),
            world.joint_positions_rad[:n].copy(),
            world.joint_velocities_rad_s[:n].copy(),
        )
        if impulse is not None:
            impulse = impulse.of_first(n)
        former_nm = world.applied_effort_nm[:n].copy()
        now = ControllerInputs(
            sample, 0.0, None, None, former_nm=former_nm, elapsed_s=0.0, impulse=impulse
        )
        contact = self._reflex.watch(now)
        return '' if contact is None else contact.reason
