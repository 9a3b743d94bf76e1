"""The controller without ROS: a target for the planner, and a torque whatever goes wrong."""
