"""Model-predictive control on learned energies: numpy, scipy and MuJoCo, no ROS, no torch."""
