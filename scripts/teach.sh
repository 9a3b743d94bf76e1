#!/usr/bin/env bash
# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0
#
# From a bare machine to a page on which the arm is taught: sets up what is missing, then serves it.
#
#   ./scripts/teach.sh port:=9000
#
# Open the address that it prints; Ctrl-C ends it.
set -euo pipefail
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$scripts/setup.sh"
set +u # colcon's own scripts read variables that may be unset
# shellcheck source=scripts/environment.sh
. "$scripts/environment.sh"
# No robot is on the network here, and no other machine should answer for one.
export ROS_AUTOMATIC_DISCOVERY_RANGE=${ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}
exec ros2 launch ebm_concept_ros teach.launch.py "$@"
