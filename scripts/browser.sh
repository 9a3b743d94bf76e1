#!/usr/bin/env bash
# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0
#
# Installs the browser that the tests of the page drive, where there is none and it may: as root on
# Debian or Ubuntu. Elsewhere it says what to install; those tests are then skipped, and say so.
set -euo pipefail

for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  printf 'browser: installing chromium for the tests of the page\n' >&2
  apt-get update -qq >&2 || true
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >&2 && exit 0
fi
printf 'browser: THERE IS NONE, so the tests of the page are skipped; apt install chromium\n' >&2
