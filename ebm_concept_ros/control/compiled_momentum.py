# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The residual of `momentum` from the compiled kernel, in one short call for each joint state."""

from __future__ import annotations

import ctypes

import numpy as np

from ebm_concept_ros.control.momentum import Bounds, Momentum, PlainMomentum, Seen
from ebm_concept_ros.planning.kernel_arm import (
    KernelArm,
    NoKernel,
    address,
    struct,
    torque_library,
)
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.planning.policy import InvalidState
from ebm_concept_ros.types import JointSample

_D, _P = ctypes.c_double, ctypes.c_void_p
_ARRAYS = ('state', 'inertia', 'carrying', 'residual', 'external', 'threshold')
_Momentum = struct(
    '_Momentum',
    **dict.fromkeys(_ARRAYS, _P),
    **dict.fromkeys(('bandwidth', 'smoothing', 'unexplained'), _D),
)
_SEEN = tuple(Seen)


def momentum_of(model: PlanModel, bounds: Bounds) -> Momentum:
    """Return the compiled momentum of an arm, or the plain one. model: nobody else's."""
    try:
        return CompiledMomentum(model, bounds)
    except NoKernel:
        return PlainMomentum(model, bounds)


class CompiledMomentum:
    """A Momentum for one thread; raises NoKernel where the kernel does not know the arm."""

    def __init__(self, model: PlanModel, bounds: Bounds) -> None:
        self._arm = KernelArm(model)
        self._n = n = model.num_joints
        library = torque_library()
        self._begin, self._observe = library.momentum_begin, library.momentum_observe
        self.residual_nm, self.external_nm = np.zeros(n), np.zeros(n)
        self.inertia = np.zeros((n, n))
        self._kept = (
            *(np.zeros(2 * n), self.inertia, np.zeros(n), self.residual_nm, self.external_nm),
            np.array(bounds.threshold_nm, float),
        )
        self._struct = _Momentum(
            *map(address, self._kept),
            *(bounds.bandwidth_rad_s, bounds.smoothing_rad_s, bounds.unexplained_rad),
        )
        self._sizes = [8 * count * n for count in (2, 3)]
        self._at = self._arm.address, ctypes.addressof(self._struct)

    def begin(self, sample: JointSample) -> None:
        """See Momentum."""
        if len(sample.packed) not in self._sizes:
            raise self._wrong(sample)
        self._begin(*self._at, sample.packed)

    def observe(self, sample: JointSample, effort_nm: np.ndarray | None, step_s: float) -> Seen:
        """See Momentum."""
        packed = sample.packed
        if len(packed) not in self._sizes or (effort_nm is None and not sample.has_efforts):
            raise self._wrong(sample)
        effort = None if effort_nm is None else effort_nm.tobytes()
        return _SEEN[self._observe(*self._at, packed, effort, step_s)]

    def _wrong(self, sample: JointSample) -> InvalidState:
        n, found = self._n, len(sample.packed) // 8
        return InvalidState(f'state: {found} numbers, expected {2 * n}, or {3 * n} with efforts')
