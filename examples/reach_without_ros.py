# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The controller without ROS and without torch: any energy over the plane, an arm, torques.

python examples/reach_without_ros.py
"""

import numpy as np

from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.arm.simulation import ArmSimulation
from ebm_concept_ros.arm.table_scene import random_table_scene
from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.planning.planners import make_planner
from ebm_concept_ros.workspace import load_workspace

arm, workspace = load_arm('config/arms/jaco.yaml'), load_workspace('config/workspace.yaml')
sim = ArmSimulation(arm, workspace, random_table_scene(1, 2, 'blue', workspace))
goal = np.array([0.3, -0.2])  # particle units
field = EnergyField.tabulate(lambda p: ((p - goal) ** 2).sum(-1), workspace.half_width_units)
planner, plan = make_planner('ilqg', arm, workspace), None  # or mppi, cem, predictive_sampling
for tick in range(1000):
    q, v = sim.joint_positions_rad, sim.joint_velocities_rad_s
    if tick % 5 == 0:
        plan = planner.plan(sim.time_s, q, v, field, warm_start=plan)
    sim.apply(plan.effort(sim.time_s, q, v))
    sim.step()
error_m = np.linalg.norm(sim.effector_in_base_m[:2] - workspace.to_base(goal))
print(f'{1e3 * error_m:.1f} mm from the goal after {sim.time_s:.1f} s')
