# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The picture and video that a run leaves behind."""

from ebm_concept_ros.report.recorder import RunRecorder
from ebm_concept_ros.report.run_report import RunFiles, render_run

__all__ = ['RunFiles', 'RunRecorder', 'render_run']
