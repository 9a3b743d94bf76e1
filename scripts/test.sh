#!/usr/bin/env bash
# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0
#
# Sets up what is missing, then runs every test of the package; the status is 0 only if all pass.
#
#   CTEST_PARALLEL_LEVEL=1 scripts/test.sh      one process of tests at a time
#   EBM_SOAK_S=600 EBM_REPETITIONS=20 scripts/test.sh   endures longer: see docs/operating.md
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh
scripts/browser.sh
set +u # colcon's own scripts read variables that may be unset
# shellcheck source=scripts/environment.sh
. scripts/environment.sh
set -u

# test/conftest.py gives each process of tests its own ROS domain, on this machine only.
# nproc counts one core where OMP_NUM_THREADS, which the environment sets, says one thread. One
# process more than cores, because those with nodes wait for each other a third of their time.
export CTEST_PARALLEL_LEVEL=${CTEST_PARALLEL_LEVEL:-$(($(env -u OMP_NUM_THREADS nproc) + 1))}
# Bytecode is kept from run to run, of the tests what pytest makes of them: anew it takes the longest
# process four seconds of seventeen before its first test. All else is compiled here, once.
unset PYTHONDONTWRITEBYTECODE
python -m compileall -q benchmarks ebm_core ebm_concept_ros test
rm -rf build/ebm_concept_ros/test_results # those of tests that are no more
status=0
colcon test --packages-select ebm_concept_ros --return-code-on-test-failure \
  --event-handlers console_direct+ || status=$?
colcon test-result --verbose || status=$?
python scripts/count_tests.py build/ebm_concept_ros/test_results || status=$?
exit "$status"
