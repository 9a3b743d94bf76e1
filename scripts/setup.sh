#!/usr/bin/env bash
# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0
#
# Installs what is missing into .venv and builds the package into install/. Safe to run again:
# what has not changed is not done twice.
#
#   PYTHON=/path/to/python3.12 scripts/setup.sh   takes that Python instead of the first one found
#   DISTRO=jazzy scripts/setup.sh                 takes ROS 2 Jazzy instead of Kilted
set -euo pipefail
cd "$(dirname "$0")/.."

readonly distro=${DISTRO:-kilted}

refuse() {
  printf 'setup: %s\n' "$1" >&2
  exit 1
}

say() {
  printf 'setup: %s\n' "$1" >&2
}

# Print what is to be installed, one requirement a line.
requirements() {
  if [ "$distro" = kilted ]; then
    cat scripts/requirements.txt
  else
    grep -v '^ros-' scripts/requirements.txt
    cat "scripts/requirements_$distro.txt"
  fi
}

# Print the path of the first Python that will do: outside of any virtual environment, since .venv
# itself may have to be made anew.
find_python() {
  local candidate candidates=(python3 python3.11 python3.12 python3.13)
  [ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
  for candidate in "${candidates[@]}"; do
    "$candidate" -c 'import os, sys
if sys.version_info < (3, 11): sys.exit(1)
print(os.path.realpath(sys.executable))' 2>/dev/null && return
  done
}

check_tools() {
  [ "$distro" = kilted ] || [ "$distro" = jazzy ] ||
    refuse "DISTRO '$distro' is refused; allowed are kilted and jazzy"
  python=$(find_python || true)
  [ -n "$python" ] ||
    refuse "Python 3.11 or newer is needed, ${PYTHON:-python3} is $("${PYTHON:-python3}" --version 2>&1 || true); install one (apt install python3.11 python3.11-venv python3.11-dev) or name it: PYTHON=/path/to/python3.11 $0"
  command -v cmake >/dev/null || refuse 'cmake is missing; install it (apt install cmake)'
  command -v flock >/dev/null || refuse 'flock is missing; install it (apt install util-linux)'
  command -v "${CXX:-c++}" >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null ||
    refuse 'a C++ compiler is missing; install one (apt install build-essential)'
  "$python" -c 'import sys, sysconfig, pathlib; sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())' ||
    refuse "the headers of $python are missing; install them (apt install python3-dev)"
  "$python" -c 'import venv, ensurepip' 2>/dev/null ||
    refuse "$python cannot make virtual environments; install that part of it (apt install python3-venv)"
}

# Two set-ups at once, from two terminals say, would pull the files from under each other.
take_turns() {
  exec {lock}<. || refuse "$PWD cannot be read"
  flock --nonblock "$lock" || {
    say 'waiting for another set-up of this folder to end'
    flock "$lock"
  }
}

# Only the index knows PyTorch's builds, and which one is wanted is nothing to guess.
point_out_the_cpu_build() {
  local settings
  .venv/bin/python -c 'import importlib.util, sys; sys.exit(not importlib.util.find_spec("torch"))' &&
    return
  settings=$(.venv/bin/python -m pip config list)
  [[ $settings =~ (index-url|find-links|no-index) ]] ||
    say "pip may choose torch's CUDA build (gigabytes); for the small CPU build interrupt this and set PIP_EXTRA_INDEX_URL as docs/install.md says"
}

# The message of /tf has no wheel: it is built into .venv, where those of the wheels are.
build_tf2_msgs() {
  say 'building tf2_msgs, which has no wheel'
  mkdir -p build
  (
    set +u
    # shellcheck source=scripts/environment.sh
    . scripts/environment.sh
    cmake -S scripts/tf2_msgs -B build/tf2_msgs -DCMAKE_INSTALL_PREFIX="$VIRTUAL_ENV" \
      -DPython3_EXECUTABLE="$VIRTUAL_ENV/bin/python" -DBUILD_TESTING=OFF &&
      cmake --build build/tf2_msgs && cmake --install build/tf2_msgs
  ) >build/tf2_msgs.log 2>&1 || refuse 'the build of tf2_msgs failed; build/tf2_msgs.log says why'
}

install_wheels() {
  # The stamp marks a .venv that is ours, from before it is filled; what it says, how far it came.
  local stamp=.venv/.stamp place wheels
  place="$("$python" -VV) in $PWD"
  [ "$distro" = kilted ] || place+=" for $distro"
  wheels=$({ requirements; cat scripts/rewrite_wheel_paths.py scripts/setup.sh scripts/tf2_msgs/*.* scripts/tf2_msgs/msg/*; } | cksum)
  if [ "$(cat "$stamp" 2>/dev/null)" = "$place, $wheels" ]; then
    return
  fi
  if [ -e .venv ] || [ -L .venv ]; then
    [ -f "$stamp" ] ||
      refuse "$PWD/.venv was not made by this script; move it away and run again"
  fi
  say "installing Python packages into .venv with $("$python" --version) (a few minutes the first time)"
  case $(cat "$stamp" 2>/dev/null) in
    "$place,"*) ;;
    *) # none, another Python, another ROS, a moved folder, or an installation that never ended
      rm -rf .venv build install
      mkdir .venv
      echo unfinished >"$stamp"
      "$python" -m venv .venv || refuse "$python could not make a virtual environment (see above)"
      ;;
  esac
  echo unfinished >"$stamp"
  point_out_the_cpu_build
  .venv/bin/python -m pip install --disable-pip-version-check -r <(requirements) >&2 ||
    refuse 'pip could not install the packages (see above); without a network connection set one up, or point pip at a mirror or a folder of wheels (PIP_INDEX_URL, PIP_FIND_LINKS), and run again'
  .venv/bin/python scripts/rewrite_wheel_paths.py >&2
  build_tf2_msgs
  # The command `ros2`, as long as this environment is sourced.
  printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' \
    "$PWD/.venv/bin/python" "$PWD/scripts/ros2_standin.py" >.venv/bin/ros2
  chmod +x .venv/bin/ros2
  echo "$distro" >.venv/ros_distro
  printf '%s' "$place, $wheels" >"$stamp"
}

# Print what the build depends on: which files there are, as what is installed are links to them,
# and what is in those that are configured or compiled.
sources() {
  cat .venv/.stamp
  find CMakeLists.txt package.xml action config ebm_concept_ros ebm_core launch msg src srv test \
    -name __pycache__ -prune -o ! -type d -print | LC_ALL=C sort
  cat CMakeLists.txt package.xml action/* msg/* srv/* src/*/*
}

build() {
  # Colcon takes seconds to find out that there is nothing to do.
  local built=build/.built state
  state=$(sources | cksum)
  if [ -e install/local_setup.bash ] && [ "$(cat "$built" 2>/dev/null)" = "$state" ]; then
    return
  fi
  set +u  # colcon's own scripts read variables that may be unset
  # shellcheck source=scripts/environment.sh
  . scripts/environment.sh
  set -u
  say 'building the package with colcon'
  colcon --log-level error build --symlink-install --event-handlers console_cohesion- console_direct- \
    --cmake-args -DPython3_EXECUTABLE="$VIRTUAL_ENV/bin/python" -DBUILD_TESTING=ON >&2 ||
    refuse 'the build failed; log/latest_build says why'
  printf '%s' "$state" >"$built"
}

check_tools
take_turns
install_wheels
build
