"""Model-predictive control on learned energies: numpy and MuJoCo only, no ROS, no torch."""
