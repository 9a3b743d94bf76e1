# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A lifecycle node whose resources are made and given back with its states."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.errors import name_and_reason
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter, Parameters, declare
from ebm_concept_ros.nodes.runtime.running import RunnableDefaults

_SUCCESS, _FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class ManagedNode(RunnableDefaults, LifecycleNode):
    """Configures and activates itself with the parameter `autostart`, else when it is asked to.

    What `configure` and `activate` leave on the stacks that they are given is undone by clean-up
    and by deactivation, last things first.
    """

    events_executor = True

    def __init__(self, name: str, parameters: type[Parameters]) -> None:
        super().__init__(name)
        self.parameters = declare(self, parameters)
        self._diagnostics = Diagnostics(self)
        self._while_configured, self._while_active = ExitStack(), ExitStack()
        self._refusal = ''

    def configure(self, undo: ExitStack) -> str:
        """Load what the parameters say; return in a few words what was loaded.

        Raises InvalidParameter, or whatever a file may raise.
        """
        raise NotImplementedError

    def activate(self, undo: ExitStack) -> None:
        """Begin to work."""
        raise NotImplementedError

    def halt(self) -> None:
        """End the node's own threads; called more than once, also where there are none."""

    def start(self) -> None:
        """Configure and activate, if the parameters say so; raises InvalidParameter."""
        if not self.parameters.autostart:
            self._diagnostics.set('state', Level.OK, 'unconfigured')
        elif self.trigger_configure() != _SUCCESS or self.trigger_activate() != _SUCCESS:
            raise InvalidParameter(self._refusal)  # nobody is there to mend it

    def stop(self) -> None:
        """End the node's own threads."""
        self.halt()

    # Lifecycle -------------------------------------------------------------------------------

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load; on failure nothing is left of it, and it may be tried again."""
        return self._entered('unconfigured', self._configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Begin to work; lifecycle publishers publish from then on."""
        super().on_activate(state)
        return self._entered('inactive', self._activate)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Do nothing any more, and forget nothing."""
        self._end_work()
        self._diagnostics.set('state', Level.OK, 'inactive')
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Forget everything that was received and loaded."""
        return self._forget('unconfigured')

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop, from whatever state."""
        return self._forget('finalized')

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Fall back to unconfigured."""
        return self._forget('unconfigured')

    def _configure(self) -> None:
        with ExitStack() as undo:
            loaded = self.configure(undo)
            self._while_configured = undo.pop_all()
        self._diagnostics.refused = 0
        self._diagnostics.set('state', Level.OK, f'inactive, {loaded}')

    def _activate(self) -> None:
        try:
            self.activate(self._while_active)
        except Exception:
            self._end_work()
            raise
        self._diagnostics.set('state', Level.OK, 'active')

    def _entered(self, former: str, enter: Callable[[], None]) -> TransitionCallbackReturn:
        try:
            enter()
        except Exception as error:  # of whatever is loaded: said here, where it can be mended
            known = isinstance(error, ValueError)
            self._refusal = str(error) if known else name_and_reason(error)
            self._diagnostics.set('state', Level.ERROR, f'{former}: {self._refusal}')
            return _FAILURE
        return _SUCCESS

    def _end_work(self) -> None:
        self.halt()
        self._while_active.close()

    def _forget(self, state: str) -> TransitionCallbackReturn:
        self._end_work()
        self._while_configured.close()
        self._diagnostics.set('state', Level.OK, state)
        return _SUCCESS
