"""Model-predictive control on learned energies: numpy and MuJoCo only, no ROS, no torch."""

from ebm_concept_ros.headless import draw_without_display

draw_without_display()
