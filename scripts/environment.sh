# shellcheck shell=bash
# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0
#
# Source this from bash: the virtual environment, ROS 2 from its wheels, and the built package.
# Made for machines without an installed ROS 2; scripts/setup.sh makes what it sources.

_ebm_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ ! -f "$_ebm_root/.venv/bin/activate" ]; then
  echo "environment.sh: there is no $_ebm_root/.venv yet; run $_ebm_root/scripts/setup.sh" >&2
  return 1
fi
# shellcheck disable=SC1091
. "$_ebm_root/.venv/bin/activate"
export AMENT_PREFIX_PATH=$VIRTUAL_ENV
export CMAKE_PREFIX_PATH=$VIRTUAL_ENV
ROS_DISTRO=$(cat "$VIRTUAL_ENV/ros_distro" 2>/dev/null || echo kilted)
export ROS_DISTRO ROS_VERSION=2
# One thread each: the nodes share the machine, and their matrices are small.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
if [ -f "$_ebm_root/install/local_setup.bash" ]; then
  # shellcheck disable=SC1091
  . "$_ebm_root/install/local_setup.bash"
fi
unset _ebm_root
