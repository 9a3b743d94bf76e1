# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Leaves a replayable record of every activation in a folder."""

from __future__ import annotations

from pathlib import Path

from ebm_concept_ros.config_files import path_of
from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.control.timing import TimingRecord
from ebm_concept_ros.errors import name_and_reason
from ebm_concept_ros.nodes.controller_setup import ControllerParameters, Setup
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.recording.event_log import EventLog
from ebm_concept_ros.recording.record import Settings, fingerprint, save_record


class Recording:
    """The log of one activation, and where it will be written."""

    def __init__(self, folder: Path, log: EventLog, settings: Settings, report: Diagnostics):
        self.log = log
        self._folder = folder
        self._settings = settings
        self._diagnostics = report

    @classmethod
    def of(cls, p: ControllerParameters, setup: Setup, report: Diagnostics) -> Recording | None:
        """Return what the parameters ask for; None: nothing."""
        if not p.record_dir:
            return None
        settings = Settings(
            arm=setup.arm,
            arm_sha256=fingerprint(setup.arm),
            workspace=setup.workspace,
            planner=type(setup.planner).__name__,
            planner_config=setup.planner.config.model_dump(mode='json'),
            model_sha256=setup.model.sha256,
            seed=p.seed,
            max_state_age_s=p.max_state_age_s,
            period_s=p.period_s,
            on_contact=p.on_contact,
        )
        log = EventLog(len(setup.arm.joints), round(p.record_limit_s / p.period_s))
        report.set('recording', Level.OK, f'records into {p.record_dir}')
        return cls(path_of(p.record_dir), log, settings, report)

    def save(self, timing: TimingRecord) -> None:
        """Write the file, as the first run_0001.npz, run_0002.npz … that is not there yet."""
        self.log.close()
        try:
            number = 1
            while (path := self._folder / f'run_{number:04}.npz').exists():
                number += 1
            save_record(path, self._settings, self.log, timing)
        except Exception as error:  # a full disk does not keep the controller from stopping
            self._diagnostics.set(
                'recording', Level.ERROR, f'not written: {name_and_reason(error)}'
            )
            return
        if self.log.full:
            self._diagnostics.set(
                'recording', Level.WARN, f'{path}: only its beginning, see record_limit_s'
            )
        else:
            self._diagnostics.set('recording', Level.OK, str(path))
