# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A model that identifies and evaluates in a process of its own, beside control loops.

Either is many small steps of PyTorch, each of which hands the interpreter over: within the
controller's process they wait for its loops half a millisecond each, and the loops for them. So it
is with the field that is made of the energies. Both ends are one program, so they pickle.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
from importlib import import_module
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.control.priority import relax_this_thread
from ebm_concept_ros.field.circles import Circles
from ebm_concept_ros.field.energy_field import EnergyField, InvalidField
from ebm_concept_ros.field.making import make_field
from ebm_concept_ros.package_files import load_weights
from ebm_core.world.scene import Scene

if TYPE_CHECKING:
    from ebm_core.relational.model import ConceptModel

_LOAD, _FIELD = 'load', 'make_field'
_AROUND = 'ebm_concept_ros.field.cost_to_go'


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
            sha256, code_size = self.ask(_LOAD, folder)
        except ModelFailed as error:
            raise ConfigError(str(error)) from None
        except OSError:  # it was killed
            return load_weights(folder)
        return RemoteModel(self, folder, sha256, code_size)

    def ask(self, what: str, *given: object, **named: object) -> Any:
        """Return the answer; raises ModelFailed, and OSError where the process is gone."""
        with self._asking:
            try:
                self._connection.send((what, given, named))
                answer, error = self._connection.recv()
            except EOFError:
                raise ConnectionResetError('the process of the model has ended') from None
        if error is not None:
            raise ModelFailed(error)
        return answer

    def make_field(
        self, energies: np.ndarray, half_width: float, goal_margin: float, circles: Circles
    ) -> EnergyField:
        """Return what making.make_field returns; raises InvalidField.

        It takes the process some milliseconds, for which here the loops would have the interpreter.
        """
        try:
            arrays = self.ask(_FIELD, energies, half_width, goal_margin, circles)
        except ModelFailed as error:
            raise InvalidField(str(error)) from None
        except OSError:  # it was killed
            return make_field(energies, half_width, goal_margin, circles)
        return EnergyField.of_arrays(arrays)

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
        return self._ask('identify', scene, code, seed)

    def identify_roles(self, scene: Scene, argument_code: np.ndarray, seed: int = 0) -> np.ndarray:
        """Return the role (N,) of each entity."""
        return self._ask('identify_roles', scene, argument_code, seed)

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
        given = (scene, attention, action_code, points)
        return self._ask('actor_energy', *given, roles=roles, in_sum=in_sum)

    def _ask(self, what: str, *given: object, **named: object) -> np.ndarray:
        if self._here is None:
            try:
                return self._process.ask(what, *given, **named)
            except OSError:
                relax_this_thread()  # it computes here from now on, and must hold nobody up
                self._here = load_weights(self._folder)
        return getattr(self._here, what)(*given, **named)


def _serve(connection: Connection) -> None:
    """Answer until nobody asks any more."""
    # The process that asks is told when to end, and then this one ends by itself.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    gc.disable()  # what is imported stays
    import ebm_core.relational.model  # noqa: F401, which takes as long as the other's start

    gc.enable()
    gc.freeze()

    model: ConceptModel | None = None
    # For an obstacle that comes later: neither the first field nor the next must wait for it.
    later = threading.Thread(target=import_module, args=(_AROUND,), daemon=True)
    while True:
        try:
            what, given, named = connection.recv()
        except (EOFError, OSError):
            return
        answer, error = None, None
        try:
            if what == _LOAD:
                model = load_weights(*given)
                answer = model.sha256, model.code_size
            elif what == _FIELD:
                answer = make_field(*given).arrays()
            else:
                answer = getattr(model, what)(*given, **named)
        except Exception as failure:  # whatever weights and codes of anybody lead to
            error = str(failure)
        try:
            connection.send((answer, error))
        except OSError:
            return
        if what == _FIELD and not later.ident:
            later.start()
