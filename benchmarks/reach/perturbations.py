# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the controller is not told: each perturbation changes the simulation or what it reports."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import mujoco
import numpy as np

from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.control.contact_reflex import ContactReflex
from ebm_concept_ros.planning.planner import Planner
from ebm_concept_ros.types import JointSample

FRICTION_SHARE = 0.05


@dataclass(frozen=True)
class Perturbation:
    """By how much the arm differs from the one planned for; the defaults are no perturbation.

    mass_factor: of every link's mass and inertia. friction_modelled: False takes friction out of
    what the controller knows; an arm whose file has none gets FRICTION_SHARE of its effort limits.
    delay_s: age of every joint state. Noise: standard deviations, white.
    """

    mass_factor: float = 1.0
    friction_modelled: bool = True
    delay_s: float = 0.0
    position_noise_rad: float = 0.0
    velocity_noise_rad_s: float = 0.0

    def apply(
        self, simulation: ArmSimulation, planner: Planner, reflex: ContactReflex | None
    ) -> None:
        """Change a fresh simulation, and what planner and reflex know."""
        if self.mass_factor != 1.0:
            simulation.model.body_mass *= self.mass_factor
            simulation.model.body_inertia *= self.mass_factor
            mujoco.mj_setConst(simulation.model, simulation.data)
            simulation.reset()
        if not self.friction_modelled:
            if reflex is not None:
                reflex.threshold_nm = reflex.threshold_nm - planner.model.friction_nm
            planner.model.friction_nm[:] = 0.0
            friction_nm = simulation.model.dof_frictionloss
            if not friction_nm.any():
                friction_nm[:] = FRICTION_SHARE * simulation.arm.effort_limits_nm


PERTURBATIONS = {
    'none': Perturbation(),
    'mass': Perturbation(mass_factor=1.2),
    'light': Perturbation(mass_factor=0.8),
    'friction': Perturbation(friction_modelled=False),
    'mass_friction': Perturbation(mass_factor=1.2, friction_modelled=False),
    'light_friction': Perturbation(mass_factor=0.8, friction_modelled=False),
    'delay': Perturbation(delay_s=0.02),
    'noise': Perturbation(position_noise_rad=1e-3, velocity_noise_rad_s=0.02),
}


class Sensor:
    """The joint states as the controller gets them."""

    def __init__(self, perturbation: Perturbation, timestep_s: float, seed: int) -> None:
        self._perturbation = perturbation
        self._rng = np.random.default_rng(seed)
        late = round(perturbation.delay_s / timestep_s)
        self._states: deque[JointSample] = deque(maxlen=late + 1)

    def read(self, simulation: ArmSimulation) -> JointSample:
        """Return the newest joint state that has come through; its stamp is its own time."""
        p = self._perturbation
        positions, velocities = simulation.joint_positions_rad, simulation.joint_velocities_rad_s
        if p.position_noise_rad or p.velocity_noise_rad_s:
            positions += self._rng.normal(0.0, p.position_noise_rad, len(positions))
            velocities += self._rng.normal(0.0, p.velocity_noise_rad_s, len(velocities))
        self._states.append(
            JointSample(
                round(simulation.time_s * 1e9),
                *(positions, velocities, simulation.applied_effort_nm),
            )
        )
        return self._states[0]
