# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The simulator's services about time: whether it passes, steps, and back to the start."""

from __future__ import annotations

from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

import ebm_concept_ros.msg as ros
import ebm_concept_ros.srv as srv
from ebm_concept_ros.nodes.simulation_loop import Run
from ebm_concept_ros.nodes.simulation_requests import RequestRefused, SimulationRequests

_MOST_STEPS = 1_000_000
_Result, _Reset, _Run = ros.Result, srv.ResetSimulation.Request, srv.SetSimulationState.Response
_TIME_AND_STATE = _Reset.SCOPE_TIME | _Reset.SCOPE_STATE
_ALL = _TIME_AND_STATE | _Reset.SCOPE_SPAWNED


class SimulationTimeServices:
    """Offered until they are destroyed."""

    def __init__(self, node: Node, requests: SimulationRequests) -> None:
        self._node = node
        self._requests = requests
        self._unanswered, self._is_ending = 0, False  # requests for steps
        self._steps = node.create_service(srv.StepSimulation, '~/step_simulation', self._step)
        self._services = [
            node.create_service(Trigger, '~/reset', self._reset_by_trigger),
        ] + [
            node.create_service(kind, f'~/{name}', requests.answering(name, answer))
            for name, kind, answer in (
                ('get_simulation_state', srv.GetSimulationState, self._get_state),
                ('set_simulation_state', srv.SetSimulationState, self._set_state),
                ('reset_simulation', srv.ResetSimulation, self._reset),
            )
        ]

    def destroy(self) -> None:
        """Offer them no more; steps, once those are answered that were asked for."""
        self._is_ending = True
        for service in self._services:
            self._node.destroy_service(service)
        if not self._unanswered:
            self._node.destroy_service(self._steps)

    def _get_state(
        self, request: srv.GetSimulationState.Request, response: srv.GetSimulationState.Response
    ) -> None:
        response.state = ros.SimulationState(state=int(self._requests.loop.run))

    def _set_state(
        self, request: srv.SetSimulationState.Request, response: srv.SetSimulationState.Response
    ) -> None:
        wanted = request.state.state
        if wanted == ros.SimulationState.STATE_QUITTING:
            reason = 'state: quitting is refused; a signal, or the lifecycle, ends the simulator'
            raise RequestRefused(_Run.INCORRECT_TRANSITION, reason)
        if wanted not in list(Run):
            known = ', '.join(f'{run.value} ({run.name.lower()})' for run in Run)
            raise RequestRefused(
                _Run.INCORRECT_TRANSITION, f'state: {wanted} is unknown; known are {known}'
            )
        run = Run(wanted)

        loop = self._requests.loop

        def change() -> None:
            if loop.run is run and not loop.is_stepping:
                raise RequestRefused(
                    _Run.ALREADY_IN_TARGET_STATE, f'state: it is {run.name.lower()} already'
                )
            loop.set_run(run)

        self._requests.done(change)

    async def _step(
        self, request: srv.StepSimulation.Request, response: srv.StepSimulation.Response
    ) -> srv.StepSimulation.Response:
        name, count, failed = 'step_simulation', request.steps, _Result.RESULT_OPERATION_FAILED

        loop = self._requests.loop

        def step() -> Future:
            if loop.run is Run.PLAYING or loop.is_stepping:
                raise RequestRefused(
                    _Result.RESULT_INCORRECT_STATE,
                    'steps: refused while time passes; pause the simulation first',
                )
            return loop.step(count)

        try:
            if not 1 <= count <= _MOST_STEPS:
                raise RequestRefused(
                    failed, f'steps: {count} refused, allowed are 1 to {_MOST_STEPS}'
                )
            stepping = self._requests.done(step)
        except RequestRefused as refused:
            return self._requests.refuse(name, response, refused)
        told: Future = Future(executor=self._node.executor)
        stepping.add_done_callback(lambda future: told.set_result(future.result()))
        self._unanswered += 1
        reason = await told
        self._unanswered -= 1
        if self._is_ending:
            # rclpy answers by the next task once this has returned, and the process does not live
            # on where the service is gone by then: what that task begins comes after.
            later = self._node.executor.create_task
            later(later, self._node.destroy_service, self._steps)
        if reason:
            return self._requests.refuse(name, response, RequestRefused(failed, reason))
        return self._requests.accept(name, response)

    def _reset_by_trigger(
        self, request: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        try:
            self._requests.done(self._requests.loop.reset)
        except RequestRefused as refused:
            response.message = str(refused)
        else:
            response.success, response.message = True, 'reset'
        return response

    def _reset(
        self, request: srv.ResetSimulation.Request, response: srv.ResetSimulation.Response
    ) -> None:
        scope = request.scope
        if scope in (_Reset.SCOPE_DEFAULT, _Reset.SCOPE_ALL):
            scope = _ALL
        loop = self._requests.loop
        if scope == _Reset.SCOPE_SPAWNED:
            self._requests.done(loop.restore_table)
        elif scope in (_ALL, _TIME_AND_STATE):
            self._requests.done(lambda: loop.reset(restore_table=scope == _ALL))
        else:
            raise RequestRefused(
                _Result.RESULT_FEATURE_UNSUPPORTED,
                f'scope: {scope} refused, allowed are 0, 3, 4, 7 and 255: time and arm go back '
                'together',
            )
