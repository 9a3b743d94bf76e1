# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The simulator's services over DDS, beside a controller that enacts a concept all the while."""

import math
from contextlib import ExitStack

import numpy as np
import pytest
from faults import concept_message
from geometry_msgs.msg import Pose, PoseStamped
from harness import (
    ARM,
    PATIENCE_S,
    WORKSPACE,
    Probe,
    claim_domain,
    keeping,
    running,
    untrained_weights,
    wait_until,
)
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

import ebm_concept_ros.msg as ros
import ebm_concept_ros.srv as srv
from ebm_concept_ros import conversions as cv
from ebm_concept_ros.arm.table_scene import MOST_ON_TABLE, random_table_scene
from ebm_concept_ros.nodes.runtime import qos
from ebm_core.relational.model import load_model

Result, State, Status = ros.Result, ros.SimulationState, ros.ControllerStatus
Spawned, Ran, Loaded = (
    srv.SpawnEntity.Response,
    srv.SetSimulationState.Response,
    srv.LoadWorld.Response,
)
PERIOD_NS = 2_000_000
EVERY_ONE = QoSProfile(depth=5000)
FREE = (0.35, -0.2)
# In real time a tick may find two torques that are each within the rates, or more where somebody
# was kept waiting.
_PUBLISHED_WITHIN_S = 0.015


def stamp_ns(message):
    return cv.stamp_to_ns(message.header.stamp)


def pose(x, y, **orientation):
    message = Pose()
    message.position.x, message.position.y = float(x), float(y)
    for axis, value in orientation.items():
        setattr(message.orientation, axis, value)
    return message


class System:
    """A simulator and a controller that moves its arm."""

    def __init__(self, nodes, folder, lockstep):
        self.lockstep = lockstep
        domain, lock = claim_domain()
        nodes.callback(lock.close)
        nodes.enter_context(pytest.MonkeyPatch.context()).setenv('ROS_DOMAIN_ID', str(domain))
        weights = untrained_weights(folder / 'weights')
        self._model = load_model(weights)
        self._seed = 0
        self.probe = Probe()
        nodes.callback(self.probe.close)
        self.states = self.probe.listen(JointState, 'joint_states', EVERY_ONE)
        self.scenes = self.probe.listen(ros.Scene, 'scene', qos.LATCHED)
        self.statuses = self.probe.listen(Status, 'controller/status', qos.STATUS)
        self._concepts = self.probe.publisher(ros.Concept, 'concept', qos.LATCHED, matched=False)
        given = {'lockstep': lockstep, 'scene_seed': 3} | keeping('joint_states')
        nodes.enter_context(running('simulator', folder, **given))
        given = {'lockstep': lockstep, 'model_dir': weights, 'plan_rate': 50.0}
        nodes.enter_context(running('controller', folder, **given))
        self.probe.meet('simulator')

    def call(self, kind, service, /, **fields):
        return self.probe.call(kind, f'simulator/{service}', kind.Request(**fields))

    def set_state(self, state):
        return self.call(srv.SetSimulationState, 'set_simulation_state', state=State(state=state))

    def state(self):
        return self.call(srv.GetSimulationState, 'get_simulation_state').state.state

    def ids(self):
        return list(self.call(srv.GetEntities, 'get_entities').entities)

    def spawn(self, name, place=FREE, look='colour: green', frame_id='', **others):
        where = PoseStamped(header=Header(frame_id=frame_id), pose=pose(*place))
        return self.call(
            srv.SpawnEntity,
            'spawn_entity',
            name=name,
            entity_resource=ros.Resource(resource_string=look),
            initial_pose=where,
            **others,
        )

    def load(self, uri='', text=''):
        resource = ros.Resource(uri=uri, resource_string=text)
        return self.call(srv.LoadWorld, 'load_world', world_resource=resource)

    def reset(self, scope):
        return self.call(srv.ResetSimulation, 'reset_simulation', scope=scope).result

    def play(self):
        self.set_state(State.STATE_PLAYING)

    def set_in_motion(self):
        """Give it another concept, and wait until it is enacted."""
        self._seed += 1
        self._concepts.publish(concept_message(self._model, f'concept_{self._seed}', self._seed))
        self.wait_for_tracking(f'concept_{self._seed}')

    def wait_for_tracking(self, concept=''):
        self.statuses.clear()
        wait_until(
            lambda: any(
                s.state == Status.TRACKING and concept in s.reason for s in list(self.statuses)
            ),
            f'{concept} to be enacted, last {self.statuses[-1:]}',
        )

    def wait_for_scene(self, holds, what):
        wait_until(lambda: self.scenes and holds(self.scenes[-1]), what)
        return self.scenes[-1]

    def check_torques(self, states):
        """Check that no torque that acted jumped from one of the states to the next."""
        states = list(states)  # others come in the meantime
        stamps = np.array([stamp_ns(state) for state in states])
        steps = np.abs(np.diff([state.effort for state in states], axis=0))
        passed_s = np.diff(stamps)[:, None] / 1e9
        assert (passed_s >= 0.0).all() and len(steps) > 20
        slack_s = 1e-9 if self.lockstep else _PUBLISHED_WITHIN_S
        assert (steps <= ARM.effort_rate_limits_nm_s * (passed_s + slack_s)).all()


@pytest.fixture(scope='module', params=[True, False], ids=['lockstep', 'real_time'])
def system(tmp_path_factory, request):
    with ExitStack() as nodes:
        folder = tmp_path_factory.mktemp('system')
        yield System(nodes, folder, request.param)


def test_paused_time_stands_still_steps_are_counted_and_no_torque_jumps(system):
    system.set_in_motion()
    wait_until(lambda: len(system.states) > 20, 'joint states')
    refused = system.call(srv.StepSimulation, 'step_simulation', steps=1).result
    assert refused.result == Result.RESULT_INCORRECT_STATE and 'pause' in refused.error_message
    assert system.state() == State.STATE_PLAYING
    assert system.set_state(State.STATE_PAUSED).result.result == Result.RESULT_OK
    assert system.state() == State.STATE_PAUSED
    again = system.set_state(State.STATE_PAUSED).result
    assert again.result == Ran.ALREADY_IN_TARGET_STATE and 'paused already' in again.error_message
    # Who listens from now on hears the steps alone, however late all that was before is heard.
    node, stepped = system.probe.node, []
    listening = node.create_subscription(
        JointState, 'joint_states', lambda state: stepped.append(stamp_ns(state)), EVERY_ONE
    )
    assert system.call(srv.StepSimulation, 'step_simulation', steps=25).result.result == 1
    wait_until(lambda: stepped and stepped[-1] == stepped[0] + 25 * PERIOD_NS, 'the last step')
    assert set(stepped) == {stepped[0] + k * PERIOD_NS for k in range(26)}
    assert system.call(srv.StepSimulation, 'step_simulation', steps=1).result.result == 1
    wait_until(lambda: stepped[-1] == stepped[0] + 26 * PERIOD_NS, 'one more step')
    node.destroy_subscription(listening)
    for steps in (0, 2**40):
        refused = system.call(srv.StepSimulation, 'step_simulation', steps=steps).result
        assert refused.result == Result.RESULT_OPERATION_FAILED
        assert refused.error_message == f'steps: {steps} refused, allowed are 1 to 1000000'
    assert system.set_state(State.STATE_PLAYING).result.result == Result.RESULT_OK
    system.wait_for_tracking()
    last_ns = stamp_ns(system.states[-1])
    wait_until(lambda: stamp_ns(system.states[-1]) > last_ns + 10**8, 'time to pass')
    system.check_torques(system.states)


def test_steps_that_are_left_when_it_is_told_otherwise_are_said(system):
    system.set_state(State.STATE_PAUSED)
    client = system.probe.node.create_client(srv.StepSimulation, 'simulator/step_simulation')
    assert client.wait_for_service(PATIENCE_S)
    system.probe.meet('simulator')
    seen = len(system.states)
    stepping = client.call_async(srv.StepSimulation.Request(steps=900_000))
    wait_until(lambda: len(system.states) > seen + 5, 'steps')
    busy = system.call(srv.StepSimulation, 'step_simulation', steps=1).result
    assert busy.result == Result.RESULT_INCORRECT_STATE
    assert system.set_state(State.STATE_PAUSED).result.result == Result.RESULT_OK
    wait_until(stepping.done, 'an answer')
    result = stepping.result().result
    assert result.result == Result.RESULT_OPERATION_FAILED
    assert 'steps were not done: it was told to be paused' in result.error_message
    system.probe.node.destroy_client(client)
    system.play()


def test_after_a_reset_it_plans_anew_from_home_and_no_torque_jumps(system):
    system.set_in_motion()
    for scope in (1, 2, 5):
        result = system.reset(scope)
        assert result.result == Result.RESULT_FEATURE_UNSUPPORTED
        assert f'scope: {scope} refused' in result.error_message
    assert system.reset(srv.ResetSimulation.Request.SCOPE_ALL).result == Result.RESULT_OK
    stamps = None

    def began_anew():
        nonlocal stamps
        stamps = np.array([stamp_ns(state) for state in list(system.states)])
        return (np.diff(stamps) < 0).any()

    wait_until(began_anew, 'time to begin anew')
    first = int((np.diff(stamps) < 0).nonzero()[0][-1]) + 1
    home = system.states[first]
    np.testing.assert_allclose(home.position, ARM.home_rad, atol=1e-3)
    system.wait_for_tracking()
    wait_until(lambda: stamp_ns(system.states[-1]) > 200_000_000, 'time to pass')
    system.check_torques(system.states[first:])
    system.states.clear()


def test_entities_come_go_and_move_and_the_controller_takes_it_up(system):
    before = system.ids()
    answer = system.spawn('green_7', look='colour: green\nshape: square', frame_id='base')
    assert (answer.result.result, answer.entity_name) == (Result.RESULT_OK, 'green_7')
    assert system.ids() == [*before, 'green_7']
    scene = system.wait_for_scene(
        lambda s: any(e.id == 'green_7' for e in s.entities), 'the spawned entity'
    )
    spawned = next(e for e in scene.entities if e.id == 'green_7')
    assert (spawned.pose.position.x, spawned.pose.position.y) == FREE
    assert spawned.shape == ros.Entity.SQUARE
    wait_until(lambda: 'green_7' in system.statuses[-1].entity_ids, 'the controller')
    state = ros.EntityState(pose=pose(0.3, 0.1))
    moved = system.call(
        srv.SetEntityState, 'set_entity_state', entity='green_7', state=state, set_pose=True
    )
    assert moved.result.result == Result.RESULT_OK
    system.wait_for_scene(
        lambda s: any(e.id == 'green_7' and e.pose.position.x == 0.3 for e in s.entities),
        'the moved entity',
    )
    assert system.call(srv.DeleteEntity, 'delete_entity', entity='green_7').result.result == 1
    assert system.ids() == before
    wait_until(lambda: 'green_7' not in system.statuses[-1].entity_ids, 'the controller')
    system.set_in_motion()  # who took part may not be there any more
    wait_until(lambda: len(system.states) > 50, 'torques')
    system.check_torques(system.states)
    if not system.lockstep:
        return
    # Ten clients at once, who do not agree on names.
    clients = [
        system.probe.node.create_client(srv.SpawnEntity, 'simulator/spawn_entity')
        for _ in range(10)
    ]
    assert all(client.wait_for_service(PATIENCE_S) for client in clients)
    system.probe.meet('simulator')
    asked = [
        client.call_async(
            srv.SpawnEntity.Request(
                name='pole',
                allow_renaming=True,
                entity_resource=ros.Resource(resource_string='colour: red\nheight_m: 0.01'),
                initial_pose=PoseStamped(pose=pose(0.3 + 0.02 * k, -0.2)),
            )
        )
        for k, client in enumerate(clients)
    ]
    wait_until(lambda: all(future.done() for future in asked), 'ten answers')
    names = {future.result().entity_name for future in asked}
    assert len(names) == 10 and names <= set(system.ids())
    assert system.reset(srv.ResetSimulation.Request.SCOPE_SPAWNED).result == Result.RESULT_OK
    assert system.ids() == before


@pytest.fixture
def lockstep(system):
    """The one of the two systems in which what does not depend on time is tried."""
    if not system.lockstep:
        pytest.skip('tried in lockstep')
    return system


def test_what_makes_no_sense_is_refused_with_code_and_reason(lockstep):
    system, before = lockstep, lockstep.ids()
    taken = before[0]
    for answer, code, words in (
        (system.spawn(taken), Spawned.NAME_NOT_UNIQUE, f"name: '{taken}' is there already"),
        (system.spawn('end_effector'), Spawned.NAME_INVALID, 'reserved for the end effector'),
        (system.spawn('a', (0.4, 5.0)), Spawned.INVALID_POSE, 'out of the workspace'),
        (
            system.spawn('a', (math.nan, 0.0)),
            Spawned.INVALID_POSE,
            'initial_pose.pose.position.x: nan is not finite',
        ),
        (
            system.spawn('a', frame_id='map'),
            Spawned.INVALID_POSE,
            "frame_id: 'map' is unknown, allowed are 'base'",
        ),
        (system.spawn('a', look='colour: pink'), Spawned.RESOURCE_PARSE_ERROR, "'pink' refused"),
        (system.spawn('a', look=''), Spawned.NO_RESOURCE, 'resource_string: empty'),
        (
            system.spawn('a', entity_namespace='ns'),
            Spawned.NAMESPACE_INVALID,
            "entity_namespace: 'ns' refused",
        ),
        (
            system.call(
                srv.SpawnEntity, 'spawn_entity', entity_resource=ros.Resource(uri='cube.sdf')
            ),
            Spawned.UNSUPPORTED_FORMAT,
            "uri: 'cube.sdf' refused",
        ),
        (
            system.call(srv.DeleteEntity, 'delete_entity', entity='nobody'),
            Result.RESULT_NOT_FOUND,
            "entity: 'nobody' is unknown; known are",
        ),
        (system.set_state(9), Ran.INCORRECT_TRANSITION, 'state: 9 is unknown; known are 0'),
        (system.set_state(3), Ran.INCORRECT_TRANSITION, 'quitting is refused'),
        (system.load(), Loaded.NO_RESOURCE, 'both uri and resource_string are empty'),
        (
            system.load('file:///there%20is/none.yaml'),
            Loaded.RESOURCE_PARSE_ERROR,
            '/there is/none.yaml: cannot be read',
        ),
        (system.load('seed:-1'), Loaded.UNSUPPORTED_FORMAT, "uri: 'seed:-1' refused"),
        (system.load('/no/such.yaml'), Loaded.RESOURCE_PARSE_ERROR, '/no/such.yaml'),
        (system.load(text='entities: []'), Loaded.RESOURCE_PARSE_ERROR, 'at least 1 item'),
        (
            system.load(text='entities: [{id: a, position_in_base_m: [9, 0], colour: red}]'),
            Loaded.RESOURCE_PARSE_ERROR,
            'entities.0.position_in_base_m: (9.0, 0.0) is out of the workspace',
        ),
    ):
        assert answer.result.result == code, answer
        assert words in answer.result.error_message
    for fields, code, words in (
        ({'entity': 'nobody'}, Result.RESULT_NOT_FOUND, "'nobody' is unknown"),
        ({'state': ros.EntityState(pose=pose(9, 0))}, 101, 'out of the workspace'),
        ({'state': ros.EntityState(pose=pose(0.4, math.inf))}, 101, 'position.y: inf'),
        ({'state': ros.EntityState(pose=pose(0.4, 0, z=0.7))}, 101, 'is turned'),
        ({'set_twist': True}, Result.RESULT_FEATURE_UNSUPPORTED, 'no motion of their own'),
        ({'set_pose': False}, Result.RESULT_OPERATION_FAILED, 'nothing is to be set'),
    ):
        given = {'entity': taken, 'state': ros.EntityState(pose=pose(*FREE)), 'set_pose': True}
        answer = system.call(srv.SetEntityState, 'set_entity_state', **given | fields)
        assert answer.result.result == code, answer
        assert words in answer.result.error_message
    assert system.ids() == before
    system.probe.wait_for_report('simulator: set_entity_state: refused', 'nothing is to be set')


def test_another_table_is_loaded_by_seed_or_by_text_and_stops_the_simulation(lockstep):
    system = lockstep
    assert system.load('seed:7').result.result == Result.RESULT_OK
    assert system.state() == State.STATE_STOPPED
    expected = random_table_scene(7, 2, 'blue', WORKSPACE)
    assert system.ids() == list(expected.ids)
    scene = system.wait_for_scene(
        lambda s: [e.id for e in s.entities[:-1]] == list(expected.ids) and stamp_ns(s) == 0,
        'the table of seed 7',
    )
    np.testing.assert_allclose(
        [(e.pose.position.x, e.pose.position.y) for e in scene.entities[:-1]],
        expected.positions_in_base_m(),
    )
    system.states.clear()
    system.play()
    wait_until(lambda: system.states, 'a joint state')
    np.testing.assert_allclose(system.states[0].position, ARM.home_rad, atol=1e-3)
    wait_until(lambda: expected.ids[0] in system.statuses[-1].entity_ids, 'the controller')
    system.set_in_motion()  # who took part may not be there any more
    wait_until(lambda: len(system.states) > 50, 'torques')
    system.check_torques(system.states)
    # As many as there may be, and one more.
    entity = '- {{id: e{}, position_in_base_m: [0.4, 0.1], colour: blue, height_m: 0.01}}\n'
    text = 'entities:\n' + ''.join(entity.format(k) for k in range(MOST_ON_TABLE))
    assert system.load(text=text).result.result == Result.RESULT_OK
    refused = system.spawn('one_more').result
    assert refused.result == Result.RESULT_OPERATION_FAILED
    assert '127 are on the table, no more than 127 may be' in refused.error_message
    assert system.load(text=entity.format('only').replace('- ', 'entities:\n- ')).result.result == 1
    last = system.call(srv.DeleteEntity, 'delete_entity', entity='eonly').result
    assert last.result == Result.RESULT_OPERATION_FAILED and 'last' in last.error_message
