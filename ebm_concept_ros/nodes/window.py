# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A window onto the simulation, where there is a display."""

from __future__ import annotations

import os

from ebm_concept_ros.arm.torque_simulation import TorqueSimulation
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter


class Window:
    """MuJoCo's viewer; `show` is called from the thread that steps the simulation."""

    def __init__(self, simulation: TorqueSimulation) -> None:
        """Open the window; raises InvalidParameter where there is no display."""
        if not (os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY')):
            raise InvalidParameter(
                'parameter headless: false needs a display, and neither DISPLAY nor '
                'WAYLAND_DISPLAY is set; use headless:=true'
            )
        # Imported here: without a display the import itself may fail.
        import mujoco.viewer

        self._launch = mujoco.viewer.launch_passive
        self._open(simulation)

    def _open(self, simulation: TorqueSimulation) -> None:
        self._shown = simulation
        self._viewer = self._launch(
            simulation.model, simulation.data, show_left_ui=False, show_right_ui=False
        )

    def show(self, simulation: TorqueSimulation) -> bool:
        """Draw the current state; False once somebody has closed the window."""
        if not self._viewer.is_running():
            return False
        if simulation is not self._shown:  # an entity came or went, and with it the model
            self._viewer.close()
            self._open(simulation)
        self._viewer.sync()
        return True

    def close(self) -> None:
        """Close it."""
        self._viewer.close()
