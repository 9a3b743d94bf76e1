"""The arm as configuration, its table and its simulation: numpy and MuJoCo only, no ROS."""
