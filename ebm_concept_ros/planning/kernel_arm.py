# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The compiled kernel in src/planning_kernel, and an arm as it takes one.

It is called by ctypes and given numbers alone: no header of Python or MuJoCo, so one build goes
with every version of both.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import mujoco
import numpy as np

import ebm_concept_ros
from ebm_concept_ros.planning.plan_model import PlanModel

# Steps in which the kernel's arm must move as MuJoCo's does, and how alike.
_TRIED_STATES, _ALIKE = 4, 1e-9
_D, _I, _P = ctypes.c_double, ctypes.c_int, ctypes.c_void_p
_V = ctypes.c_char_p  # numbers as bytes, for one call
# Name, arguments and result of each, which keep the interpreter.
_SHORT_CALLS = (
    ('torque_follow', [_P, _P, _P, _D, _V, _D, _V, _P], _I),
    ('torque_hold', [_P] * 6, None),
    ('momentum_begin', [_P, _P, _V], None),
    ('momentum_observe', [_P, _P, _V, _V, _D], _I),
)


class NoKernel(RuntimeError):
    """The kernel does not know this arm, or is not built; the message says why."""


def struct(name: str, **types: object) -> type[ctypes.Structure]:
    """Return a structure of the kernel; its fields are in the order of src/planning_kernel."""
    return type(name, (ctypes.Structure,), {'_fields_': list(types.items())})


def address(array: np.ndarray) -> int:
    """Return where an array's numbers are; it must outlive who is told."""
    return array.ctypes.data


_Arm = struct(
    '_Arm',
    **dict.fromkeys(('n', 'site_joint'), _I),
    **dict.fromkeys(('parent', 'slide', 'zero', 'axis', 'anchor', 'mass', 'centre', 'inertia'), _P),
    **dict.fromkeys(('damping', 'armature', 'stiffness', 'spring_rad'), _P),
    **dict.fromkeys(('gravity', 'site', 'site_axis'), _D * 3),
    step_s=_D,
    site_side=_D * 3,
)


@cache
def kernel_library() -> ctypes.CDLL:
    """Return the kernel, which lets the interpreter go during a call; raises NoKernel."""
    library = ctypes.CDLL(str(_path()))
    library.planning_step.argtypes = [_P] * 6
    return library


class KernelFunctions(NamedTuple):
    """What makes, frees and asks a planner of the kernel."""

    make: Callable[..., int]
    free: Callable[[int], None]
    plan: Callable[..., int]


def kernel_functions(kind: str) -> KernelFunctions:
    """Return the functions of a kind of planner; raises NoKernel."""
    library = kernel_library()
    make = getattr(library, kind, None)
    if make is None:
        raise NoKernel('the kernel is of an older build: colcon builds it anew')
    free, plan = getattr(library, f'{kind}_free'), getattr(library, f'{kind}_plan')
    make.argtypes, make.restype = [_P] * 3, _P
    free.argtypes, free.restype = [_P], None
    plan.argtypes = [_P, _V, _P, _P, _P]
    return KernelFunctions(make, free, plan)


@cache
def torque_library() -> ctypes.PyDLL:
    """Return the kernel, which keeps the interpreter during short calls; raises NoKernel."""
    library = ctypes.PyDLL(str(_path()))
    for name, arguments, result in _SHORT_CALLS:
        call = getattr(library, name, None)
        if call is None:
            raise NoKernel('the kernel is of an older build: colcon builds it anew')
        call.argtypes, call.restype = arguments, result
    return library


def _path() -> Path:
    name = 'libplanning_kernel.so'
    folders = [Path(folder) for folder in ebm_concept_ros.__path__]
    path = next((folder / name for folder in folders if (folder / name).exists()), None)
    if path is None:
        raise NoKernel(f'{name} is not built: colcon builds it')
    return path


class KernelArm:
    """An arm of n joints in the kernel; raises NoKernel unless it moves there as in MuJoCo.

    address: of the structure, for calls. step_s: of the model.
    """

    def __init__(self, model: PlanModel) -> None:
        library, dynamics = kernel_library(), model.dynamics
        most = library.planning_max_joints()
        if dynamics is None:
            raise NoKernel('the arm has joints that are neither hinges nor slides')
        if model.num_joints > most:
            raise NoKernel(f'{model.num_joints} joints; the kernel knows arms of {most} at most')
        self._arrays = {
            name: np.ascontiguousarray(getattr(dynamics, name))
            for name, kind in _Arm._fields_
            if kind is _P
        }
        self._struct = _Arm(
            n=model.num_joints,
            site_joint=dynamics.site_joint,
            step_s=dynamics.step_s,
            **{name: address(array) for name, array in self._arrays.items()},
            **{
                name: (_D * 3)(*getattr(dynamics, name))
                for name in ('gravity', 'site', 'site_axis', 'site_side')
            },
        )
        self.num_joints, self.step_s = model.num_joints, float(dynamics.step_s)
        self.address = ctypes.addressof(self._struct)
        self._require_alike(model, library)

    def _require_alike(self, model: PlanModel, library: ctypes.CDLL) -> None:
        """Raise NoKernel unless the kernel's arm moves as MuJoCo's does.

        So whatever else a model has (tendons, counterweights, fluids, springs that are not linear)
        or a version of MuJoCo brings, nothing is computed on other dynamics than MuJoCo's.
        """
        rng, n = np.random.default_rng(0), model.num_joints
        after, bias = np.empty(n), np.empty(n)
        for _ in range(_TRIED_STATES):
            positions = model.model.qpos0 + rng.uniform(-1.0, 1.0, n)
            velocities = rng.uniform(-1.0, 1.0, n)
            expected_bias = model.bias_nm(positions, velocities)
            torques = expected_bias + rng.uniform(-1.0, 1.0, n)
            model.data.qpos[:], model.data.qvel[:] = positions, velocities
            model.data.ctrl[:] = torques
            mujoco.mj_step(model.model, model.data)
            solved = library.planning_step(
                self.address, *map(address, (positions, velocities, torques, after, bias))
            )
            if not solved or not (
                np.allclose(after, model.data.qvel, rtol=_ALIKE, atol=_ALIKE)
                and np.allclose(bias, expected_bias, rtol=_ALIKE, atol=_ALIKE)
            ):
                raise NoKernel(
                    'the arm moves by more than its inertia, gravity, damping and springs'
                )
