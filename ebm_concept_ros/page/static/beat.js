// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Ticks in a worker: browsers slow a page's own timers down as soon as it is not in front.
setInterval(() => postMessage(0), 100);
