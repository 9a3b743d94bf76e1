# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A model that identifies and evaluates in a process of its own, beside control loops.

Either is many small steps of PyTorch, each of which hands the interpreter over: within the
controller's process they wait for its loops half a millisecond each, and the loops for them. So it
is with the field that is made of the energies. What goes to and fro are plain arrays.
"""

from __future__ import annotations

import io
import os
import signal
import threading
from importlib import import_module
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.field.circles import Circles
from ebm_concept_ros.field.energy_field import EnergyField, InvalidField
from ebm_concept_ros.field.making import make_field
from ebm_concept_ros.package_files import load_weights
from ebm_core.world.scene import Scene

if TYPE_CHECKING:
    from ebm_core.relational.model import ConceptModel

_FIELD = 'make_field'
_AROUND = 'ebm_concept_ros.field.cost_to_go'
_SCENE = ('positions', 'colours', 'shapes', 'movable')


class ModelFailed(RuntimeError):
    """What the model raised, in its words."""


class TargetModel(Protocol):
    """What targets are made with; see ConceptModel for the meaning of each."""

    sha256: str
    code_size: int

    def identify(self, scene: Scene, code: np.ndarray, seed: int = 0) -> np.ndarray:
        """Return the attention (N,)."""

    def identify_roles(self, scene: Scene, argument_code: np.ndarray, seed: int = 0) -> np.ndarray:
        """Return the role (N,) of each entity."""

    def actor_energy(
        self,
        scene: Scene,
        attention: np.ndarray,
        action_code: np.ndarray,
        points: np.ndarray,
        *,
        roles: np.ndarray | None = None,
        in_sum: bool = False,
    ) -> np.ndarray:
        """Return the energy (M,) with the actor at each point (M, 2)."""


class ModelProcess:
    """The process, from when this is made; that must be before there are other threads.

    It ends with this one, however that ends.
    """

    def __init__(self) -> None:
        self._connection, theirs = Pipe()
        self._asking = threading.Lock()
        self.process_id = os.fork()
        if self.process_id == 0:
            self._connection.close()  # or its end would not be seen
            try:
                _serve(theirs)
            finally:
                os._exit(0)
        theirs.close()

    def load(self, folder: str) -> TargetModel:
        """Return the model in a folder (empty: the shipped one); raises ConfigError."""
        try:
            answer = self.ask('load', folder=np.array(folder))
        except ModelFailed as error:
            raise ConfigError(str(error)) from None
        except OSError:  # it was killed
            return load_weights(folder)
        return RemoteModel(self, folder, str(answer['sha256']), int(answer['code_size']))

    def ask(self, what: str, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        """Return the answer; raises ModelFailed, and OSError where the process is gone."""
        with self._asking:
            try:
                self._connection.send_bytes(_packed(what=np.array(what), **arrays))
                answer = _unpacked(self._connection.recv_bytes())
            except EOFError:
                raise ConnectionResetError('the process of the model has ended') from None
        if 'error' in answer:
            raise ModelFailed(str(answer['error']))
        return answer

    def make_field(
        self, energies: np.ndarray, half_width: float, goal_margin: float, circles: Circles
    ) -> EnergyField:
        """Return what making.make_field returns; raises InvalidField.

        It takes the process some milliseconds, for which here the loops would have the interpreter.
        """
        given = {'half_width': np.array(half_width), 'goal_margin': np.array(goal_margin)}
        given |= {'centres': circles.centres, 'radii': circles.radii}
        try:
            answer = self.ask(_FIELD, energies=energies, above_m=np.array(circles.above_m), **given)
        except ModelFailed as error:
            raise InvalidField(str(error)) from None
        except OSError:  # it was killed
            return make_field(energies, half_width, goal_margin, circles)
        return EnergyField.of_arrays(answer)

    def end(self) -> None:
        """End it, whatever it is at: it has nothing to lose. Nothing can be asked any more."""
        self._connection.close()
        os.kill(self.process_id, signal.SIGKILL)
        os.waitpid(self.process_id, 0)


class RemoteModel:
    """A model of a ModelProcess. Where that is killed, it is loaded here."""

    def __init__(self, process: ModelProcess, folder: str, sha256: str, code_size: int) -> None:
        self.sha256, self.code_size = sha256, code_size
        self._process, self._folder = process, folder
        self._here: ConceptModel | None = None

    def identify(self, scene: Scene, code: np.ndarray, seed: int = 0) -> np.ndarray:
        """Return the attention (N,)."""
        return self._ask('identify', scene, code=code, seed=np.array(seed))

    def identify_roles(self, scene: Scene, argument_code: np.ndarray, seed: int = 0) -> np.ndarray:
        """Return the role (N,) of each entity."""
        given = {'argument_code': argument_code, 'seed': np.array(seed)}
        return self._ask('identify_roles', scene, **given)

    def actor_energy(
        self,
        scene: Scene,
        attention: np.ndarray,
        action_code: np.ndarray,
        points: np.ndarray,
        *,
        roles: np.ndarray | None = None,
        in_sum: bool = False,
    ) -> np.ndarray:
        """Return the energy (M,) with the actor at each point (M, 2)."""
        given = {'attention': attention, 'action_code': action_code, 'points': points}
        given['in_sum'] = np.array(in_sum)
        given |= {} if roles is None else {'roles': roles}
        return self._ask('actor_energy', scene, **given)

    def _ask(self, what: str, scene: Scene, **given: np.ndarray) -> np.ndarray:
        if self._here is None:
            try:
                parts = {f'scene.{name}': getattr(scene, name) for name in _SCENE}
                return self._process.ask(what, **parts, **given)['result']
            except OSError:
                self._here = load_weights(self._folder)
        return _evaluated(self._here, what, scene, given)


def _serve(connection: Connection) -> None:
    """Answer until nobody asks any more."""
    # The process that asks is told when to end, and then this one ends by itself.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    import ebm_core.relational.model  # noqa: F401, which takes as long as the other's start

    model: ConceptModel | None = None
    # For an obstacle that comes later: neither the first field nor the next must wait for it.
    later = threading.Thread(target=import_module, args=(_AROUND,), daemon=True)
    while True:
        try:
            given = _unpacked(connection.recv_bytes())
        except (EOFError, OSError):
            return
        what = str(given.pop('what'))
        try:
            if what == 'load':
                model = load_weights(str(given['folder']))
                answer = {
                    'sha256': np.array(model.sha256),
                    'code_size': np.array(model.code_size),
                }
            elif what == _FIELD:
                answer = _field(**given).arrays()
            else:
                scene = Scene(*(given.pop(f'scene.{name}') for name in _SCENE))
                answer = {'result': _evaluated(model, what, scene, given)}
        except Exception as error:  # whatever weights and codes of anybody lead to
            answer = {'error': np.array(str(error))}
        try:
            connection.send_bytes(_packed(**answer))
        except OSError:
            return
        if what == _FIELD and not later.ident:
            later.start()


def _field(
    energies: np.ndarray,
    half_width: np.ndarray,
    goal_margin: np.ndarray,
    centres: np.ndarray,
    radii: np.ndarray,
    above_m: np.ndarray,
) -> EnergyField:
    circles = Circles(centres, radii, float(above_m))
    return make_field(energies, float(half_width), float(goal_margin), circles)


def _evaluated(
    model: ConceptModel, what: str, scene: Scene, given: dict[str, np.ndarray]
) -> np.ndarray:
    given = {name: int(array) if name == 'seed' else array for name, array in given.items()}
    return getattr(model, what)(scene, **given)


def _packed(**arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def _unpacked(content: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)
