#!/usr/bin/env bash
# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0
#
# Builds the documentation as a site in out/site; a dead link or anchor is an error.
#
#   ./scripts/docs.sh         builds it
#   ./scripts/docs.sh serve   shows it on http://127.0.0.1:8000, and builds it again at every change
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ ! -f .venv/bin/activate ]; then
  scripts/setup.sh
fi
# shellcheck disable=SC1091
. .venv/bin/activate
python -m pip install --quiet --disable-pip-version-check -r scripts/requirements_docs.txt
export NO_MKDOCS_2_WARNING=1 # an advertisement
case ${1:-build} in
  build) exec mkdocs build --strict --quiet ;;
  serve) exec mkdocs serve --strict --quiet ;;
  *)
    echo "docs.sh: '$1' is refused; allowed are build (or nothing) and serve" >&2
    exit 2
    ;;
esac
