# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A recorded run as one file: an .npz of plain arrays, one of which is a header in JSON."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import zipfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import mujoco
import numpy as np
from pydantic import Field, ValidationError

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.config_files import Config, describe
from ebm_concept_ros.control.contact_reflex import HOLD, IGNORE, RETREAT
from ebm_concept_ros.control.timing import TimingRecord
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.recording.event_log import EventLog
from ebm_concept_ros.workspace import Workspace

FORMAT = 4
_MAX_HEADER_BYTES = 100_000_000
# Name to type and number of columns: a number, or a multiple of the joints' as a text.
_ARRAYS = {
    'stamps_ns': ('i8', ()),
    'states': ('f8', ('joints', 'joints')),
    'reported_nm': ('f8', ('joints',)),
    'plans': ('i8', (3,)),
    'decisions': ('i8', (9,)),
    'ages_s': ('f8', ()),
    'elapsed_s': ('f8', ()),
    'efforts_nm': ('f8', ('joints',)),
    'former_nm': ('f8', ('joints',)),
    'torque_times_s': ('f8', (2,)),
    'plan_times_s': ('f8', (2,)),
}


class RecordError(ValueError):
    """A recorded run that cannot be used; the message names the file and the reason."""


class TermRecord(Config):
    """A concept, and the weight of its energy in the sum."""

    name: str
    weight: float
    action_code: tuple[float, ...]
    argument_code: tuple[float, ...]


class TargetRecord(Config):
    """What is to be enacted, and the scene that it is in; positions in particle units."""

    concept: str
    terms: tuple[TermRecord, ...] = Field(min_length=1)
    model_sha256: str
    ids: tuple[str, ...]
    positions: tuple[tuple[float, float], ...]
    colours: tuple[tuple[float, float, float], ...]
    shapes: tuple[int, ...]
    movable: tuple[bool, ...]
    sizes_m: tuple[tuple[float, float], ...] | None


class Settings(Config):
    """All that decides what the controller makes of its inputs."""

    arm: ArmConfig
    arm_sha256: str = Field(description='of the arm as it is planned with, see fingerprint')
    workspace: Workspace
    planner: str = Field(description='which planner')
    planner_config: dict[str, object]
    model_sha256: str = Field(description='of the weights')
    seed: int = Field(description='of identification')
    max_state_age_s: float
    period_s: float = Field(gt=0, description='from one torque to the next')
    on_contact: Literal[HOLD, RETREAT, IGNORE]


class Header(Config):
    """What is not an array in the file."""

    format: int
    settings: Settings
    versions: dict[str, str]
    complete: bool = Field(description='false: the log was full before the run ended')
    targets: tuple[TargetRecord, ...]


@dataclass(frozen=True, eq=False)
class Record:
    """A recorded run; arrays as EventLog.arrays gives them, all numbers in them checked.

    Two more say when things happened, which a replay does not depend on: see `timing`.
    """

    header: Header
    arrays: dict[str, np.ndarray]

    @property
    def timing(self) -> TimingRecord:
        """Return when torques and plans came; empty of a run in lockstep."""
        return TimingRecord(self.arrays['torque_times_s'], self.arrays['plan_times_s'])


def versions() -> dict[str, str]:
    """Return the versions that the last bit of a torque may depend on."""
    packages = {}
    for name in ('mujoco', 'numpy', 'scipy', 'torch'):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:  # a distribution's package may come without that file
            packages[name] = 'unknown'
    return {**packages, 'python': platform.python_version(), 'machine': platform.machine()}


def fingerprint(arm: ArmConfig) -> str:
    """Return the SHA-256 of the arm as it is planned with: masses, lengths, ranges, friction."""
    model = PlanModel(arm, 0.002).model
    data = np.empty(mujoco.mj_sizeModel(model), np.uint8)
    mujoco.mj_saveModel(model, None, data)
    return hashlib.sha256(data.tobytes()).hexdigest()


def save_record(
    path: Path, settings: Settings, log: EventLog, timing: TimingRecord | None = None
) -> None:
    """Write the file; it is there as a whole or not at all."""
    header = Header(
        format=FORMAT,
        settings=settings,
        versions=versions(),
        complete=not log.full,
        targets=tuple(TargetRecord.model_validate(target) for target in log.targets()),
    )
    text = np.frombuffer(header.model_dump_json().encode(), np.uint8)
    content = io.BytesIO()
    timing = timing or TimingRecord(np.empty((0, 2)), np.empty((0, 2)))
    times = {'torque_times_s': timing.torques, 'plan_times_s': timing.plans}
    np.savez_compressed(content, header=text, **log.arrays(), **times)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f'{path.name}.unfinished')
    unfinished.write_bytes(content.getvalue())
    unfinished.replace(path)


def load_record(path: Path | str) -> Record:
    """Read a file and check it; raises RecordError. Nothing in it is executed."""
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in _ARRAYS}
            text = content['header'].astype(np.uint8).tobytes()
    except OSError as error:
        raise RecordError(f'{path}: cannot be read ({error.strerror or error})') from None
    except (KeyError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise RecordError(f'{path}: not a recorded run ({error})') from None
    try:
        found = json.loads(text[:_MAX_HEADER_BYTES])
        if isinstance(found, dict) and found.get('format') != FORMAT:
            raise RecordError(f'{path}: format {found.get("format")}, known is {FORMAT}')
        header = Header.model_validate(found)
    except ValidationError as error:
        raise RecordError(f'{path}: header: {describe(error)}') from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RecordError(f'{path}: header: not JSON ({error})') from None
    _check(path, header, arrays)
    return Record(header, arrays)


def _check(path: Path, header: Header, arrays: dict[str, np.ndarray]) -> None:
    """Raise RecordError unless shapes and types are right and every number refers to something."""
    n = len(header.settings.arm.joints)
    for name, (kind, columns) in _ARRAYS.items():
        width = sum(n if column == 'joints' else column for column in columns)
        shape = arrays[name].shape[1:]
        if arrays[name].dtype != np.dtype(kind) or shape != ((width,) if columns else ()):
            raise RecordError(
                f'{path}: {name}: {arrays[name].dtype} of shape (…, {shape}), '
                f'expected {kind} with {width or "no"} columns'
            )
    counts = {
        'state': len(arrays['stamps_ns']),
        'target': len(header.targets),
        'plan': len(arrays['plans']),
    }
    for one, other in (
        *(('stamps_ns', 'states'), ('stamps_ns', 'reported_nm'), ('decisions', 'ages_s')),
        *(('ages_s', 'efforts_nm'), ('ages_s', 'elapsed_s')),
    ):
        if len(arrays[one]) != len(arrays[other]):
            raise RecordError(f'{path}: {len(arrays[one])} {one} and {len(arrays[other])} {other}')
    for name in ('plans', 'decisions'):
        for column, kind in enumerate(('state', 'target', 'plan')):
            numbers = arrays[name][:, column]
            if len(numbers) and not -1 <= numbers.min() <= numbers.max() < counts[kind]:
                raise RecordError(f'{path}: {name}: a {kind} is referred to that is not there')
    if (arrays['plans'][:, :2] < 0).any():
        raise RecordError(f'{path}: plans: one was made from no state or for no target')
    before = arrays['plans'][:, 2]
    if (before >= np.arange(len(before))).any():
        raise RecordError(f'{path}: plans: a plan is referred to by one that came before it')
