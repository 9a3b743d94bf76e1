# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Replays a recorded run in lockstep, and tells whether the torques are the same bit for bit.

    python -m ebm_concept_ros.recording.replay out/run_0001.npz

It ends with status 0 where every torque is the same, 1 where one differs, and 2 where the run is
refused: other weights, another arm, a damaged file.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ebm_concept_ros.control.contact_reflex import IGNORE, Contact, ContactReflex
from ebm_concept_ros.control.control_law import ControlLaw, ControllerInputs, Decision, Mode
from ebm_concept_ros.control.momentum_observer import Impulse, impulse_at
from ebm_concept_ros.control.target import Target, make_target
from ebm_concept_ros.field.obstacles import hand_radius_m
from ebm_concept_ros.package_files import load_weights
from ebm_concept_ros.planning.planners import PLANNERS
from ebm_concept_ros.planning.policy import Plan
from ebm_concept_ros.recording.record import (
    Record,
    RecordError,
    TargetRecord,
    fingerprint,
    load_record,
    versions,
)
from ebm_concept_ros.types import AnyConcept, ComposedConcept, ConceptCodes, JointSample, NamedScene
from ebm_core.world.scene import Scene

if TYPE_CHECKING:
    from ebm_core.relational.model import ConceptModel

_PLANNERS = {kind.__name__: kind for kind in PLANNERS.values()}


@dataclass(frozen=True)
class Outcome:
    """What a replay found. first_difference: the number of a decision, in words, or None."""

    decisions: int
    torques: int
    plans: int
    same: int
    first_difference: str | None

    @property
    def exact(self) -> bool:
        """Tell whether every decision was the same."""
        return self.same == self.decisions


class Replay:
    """Goes through a record's decisions in order, planning as they need it."""

    def __init__(self, record: Record, model: ConceptModel) -> None:
        """Raises RecordError where weights, arm or planner are not the recorded ones."""
        settings = self._settings = record.header.settings
        for what, recorded, here in (
            ('weights', settings.model_sha256, model.sha256),
            ('arm', settings.arm_sha256, fingerprint(settings.arm)),
        ):
            if recorded != here:
                raise RecordError(
                    f'{what}: recorded with SHA-256 {recorded[:12]}, those here have {here[:12]}'
                )
        if settings.planner not in _PLANNERS:
            known = ', '.join(_PLANNERS)
            raise RecordError(f'planner: recorded with {settings.planner!r}; known are {known}')
        self._record = record
        self._model = model
        kind = _PLANNERS[settings.planner]
        config = kind.config_type.model_validate(settings.planner_config)
        self._planner = kind(settings.arm, settings.workspace, config)
        self._law = ControlLaw(settings.arm, settings.max_state_age_s, settings.period_s)
        self._reflex = None
        if settings.on_contact != IGNORE:
            self._reflex = ContactReflex(
                settings.arm, settings.on_contact, settings.max_state_age_s
            )
        self._contact: Contact | None = None  # what it gives way to
        self._impulses = self._all_impulses()
        self._hand_radius_m = hand_radius_m(settings.arm)
        self._targets: dict[int, Target] = {}
        self._plans: dict[int, Plan | None] = {}
        self._planned = 0
        former = record.arrays['former_nm']
        self._former_nm = former[0] if len(former) else None

    def run(self) -> Outcome:
        """Replay all of it."""
        efforts = self._record.arrays['efforts_nm']
        torques = same = 0
        first = None
        for number, recorded in enumerate(efforts):
            inputs = self._inputs(number)
            decision = self._law.decide(inputs)
            mode = Mode(int(self._record.arrays['decisions'][number, 3]))
            expected = None if np.isnan(recorded).all() else recorded
            torques += expected is not None
            if decision.effort_nm is not None:
                self._former_nm = decision.effort_nm
            is_struck = bool(self._record.arrays['decisions'][number, 7])
            if inputs.is_struck == is_struck and _equal(decision, mode, expected):
                same += 1
            elif first is None:
                first = f'decision {number}: {_words(mode, expected)} was recorded, ' + _words(
                    decision.mode, decision.effort_nm
                )
        return Outcome(len(efforts), torques, self._planned, same, first)

    def _inputs(self, number: int) -> ControllerInputs:
        numbers = self._record.arrays['decisions'][number].tolist()
        state, target, plan, _, fault, failure, absent, _, retreats = numbers
        inputs = ControllerInputs(
            sample=None if state < 0 else self._sample(state),
            age_s=float(self._record.arrays['ages_s'][number]),
            concept=None if target < 0 else self._record.header.targets[target].concept,
            plan=None if plan < 0 else self._plan(plan),
            fault='recorded' if fault else '',
            plan_failure='recorded' if failure else '',
            absent='recorded' if absent else '',
            former_nm=self._former_nm,
            elapsed_s=float(self._record.arrays['elapsed_s'][number]),
            impulse=None if state < 0 else self._impulses[state],
        )
        if inputs.sample is None or self._reflex is None:
            return inputs
        struck = self._reflex.watch(inputs)
        # Who lifts a hold is not in the record, but a retreat begins with the blow that it is for.
        self._contact = (self._contact or struck) if retreats else None
        retreat = self._contact.retreat_at(inputs.sample.stamp_s) if self._contact else None
        return replace(inputs, is_struck=struck is not None, retreat_rad_s=retreat)

    def _plan(self, wanted: int) -> Plan | None:
        while self._planned <= wanted:
            number, (state, target, before) = (
                self._planned,
                self._record.arrays['plans'][self._planned].tolist(),
            )
            sample = self._sample(state)
            try:
                self._plans[number] = self._planner.plan(
                    sample.stamp_s,
                    sample.positions_rad,
                    sample.velocities_rad_s,
                    self._target(target).field,
                    None if before < 0 else self._plans.get(before),
                )
            except Exception:  # as when it was recorded; a decision that needs the plan will differ
                self._plans[number] = None
            self._planned += 1
        # What is older than a plan that was followed is not needed any more.
        for old in [number for number in self._plans if number < wanted]:
            del self._plans[old]
        return self._plans.get(wanted)

    def _sample(self, number: int) -> JointSample:
        arrays = self._record.arrays
        positions, velocities = np.split(arrays['states'][number], 2)
        reported = arrays['reported_nm'][number]
        return JointSample(
            int(arrays['stamps_ns'][number]),
            positions,
            velocities,
            None if np.isnan(reported).any() else reported,
        )

    def _all_impulses(self) -> list[Impulse | None]:
        impulses: list[Impulse | None] = []
        before, impulse = None, None
        for number in range(len(self._record.arrays['stamps_ns'])):
            sample = self._sample(number)
            impulse = impulse_at(sample, before, impulse)
            impulses.append(impulse)
            before = sample
        return impulses

    def _target(self, number: int) -> Target:
        if number not in self._targets:
            recorded = self._record.header.targets[number]
            self._targets.clear()
            self._targets[number] = make_target(
                self._model,
                _concept(recorded),
                _scene(recorded),
                self._settings.workspace,
                self._settings.seed,
                self._hand_radius_m,
            )
        return self._targets[number]


def _concept(recorded: TargetRecord) -> AnyConcept:
    terms = tuple(
        ConceptCodes(
            term.name,
            np.array(term.action_code),
            np.array(term.argument_code),
            recorded.model_sha256,
        )
        for term in recorded.terms
    )
    if len(terms) == 1:
        return terms[0]
    return ComposedConcept(recorded.concept, terms, tuple(t.weight for t in recorded.terms))


def _scene(recorded: TargetRecord) -> NamedScene:
    scene = Scene(recorded.positions, recorded.colours, recorded.shapes, recorded.movable)
    sizes_m = None if recorded.sizes_m is None else np.array(recorded.sizes_m)
    return NamedScene(recorded.ids, scene, sizes_m)


def _equal(decision: Decision, mode: Mode, effort_nm: np.ndarray | None) -> bool:
    if decision.mode is not mode or (decision.effort_nm is None) != (effort_nm is None):
        return False
    return effort_nm is None or decision.effort_nm.tobytes() == effort_nm.tobytes()


def _words(mode: Mode, effort_nm: np.ndarray | None) -> str:
    return f'{mode.name} with {"no torque" if effort_nm is None else effort_nm.tolist()}'


def main(arguments: list[str] | None = None) -> int:
    """Replay one file, print the outcome as one JSON line."""
    parser = argparse.ArgumentParser(
        prog='python -m ebm_concept_ros.recording.replay', description=__doc__.splitlines()[0]
    )
    parser.add_argument('record', type=Path, help='what the controller left in its record_dir')
    parser.add_argument('--model-dir', default='', help="the weights; without: the package's")
    given = parser.parse_args(arguments)
    try:
        record = load_record(given.record)
        outcome = Replay(record, load_weights(given.model_dir)).run()
    except ValueError as error:
        print(f'replay: {error}', file=sys.stderr)
        return 2
    print(json.dumps({'exact': outcome.exact, **asdict(outcome)}))
    if not outcome.exact:
        others = {
            name: (then, now)
            for name, then in record.header.versions.items()
            if (now := versions().get(name)) != then
        }
        for name, (then, now) in others.items():
            print(f'replay: recorded with {name} {then}, replayed with {now}', file=sys.stderr)
    return 0 if outcome.exact else 1


if __name__ == '__main__':
    sys.exit(main())
