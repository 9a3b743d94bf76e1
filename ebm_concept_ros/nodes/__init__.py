# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The package's ROS 2 nodes: they convert messages, hold state and call the library."""

import os

# Before numpy and torch are imported: a pool of BLAS threads that wakes for a 6 x 6 product costs
# the control loop its deadline.
os.environ.setdefault('OMP_NUM_THREADS', '1')
# Nothing is drawn in a node's own process, but to import MuJoCo looks for a window system, which
# starts two processes. What draws for a node sets it anew.
os.environ.setdefault('MUJOCO_GL', 'disable')
# Parameters are pydantic's; it would look through everything that is installed for plug-ins.
os.environ.setdefault('PYDANTIC_DISABLE_PLUGINS', '1')
