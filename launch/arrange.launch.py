# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Five demonstrations of blocks that are moved, a learned concept, and an arm that moves blocks.

    ros2 launch ebm_concept_ros arrange.launch.py scene_seed:=2 concept:=square
    ros2 launch ebm_concept_ros arrange.launch.py concept:=between lockstep:=true live_view:=true

Headless it ends with the referee's verdict: one JSON line, last on standard output, and status 0
only on success. As reach_between.launch.py it keeps to the few names of launch that the stand-in of
scripts/ knows.
"""

import atexit
from collections.abc import Callable
from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, RegisterEventHandler, Shutdown
from launch.event_handlers import OnProcessExit
from launch_ros.actions import Node

from ebm_concept_ros.nodes.arrangement_referee import ArrangementRefereeParameters
from ebm_concept_ros.nodes.arranger_setup import ArrangerParameters
from ebm_concept_ros.nodes.bag_recorder import BagRecorderParameters
from ebm_concept_ros.nodes.concept_learner import ConceptLearnerParameters
from ebm_concept_ros.nodes.demonstrator import DemonstratorParameters
from ebm_concept_ros.nodes.lifecycle_manager import LifecycleManagerParameters
from ebm_concept_ros.nodes.live_view import LiveViewParameters
from ebm_concept_ros.nodes.runtime.launch_arguments import LaunchArgument, argument, number, shares
from ebm_concept_ros.nodes.runtime.launch_verdict import Verdict
from ebm_concept_ros.nodes.runtime.texts import FILE
from ebm_concept_ros.nodes.simulator_setup import SimulatorParameters

PACKAGE = 'ebm_concept_ros'
END_TIMEOUT_S = '60'  # a bag is written when its node is asked to end
RESULT_KEYS = (
    *('success', 'reason', 'off_m', 'moved', 'troubles', 'time_s', 'concept', 'scene_seed'),
)
MODELS = {
    'simulator': SimulatorParameters,
    'arranger': ArrangerParameters,
    'concept_learner': ConceptLearnerParameters,
    'demonstrator': DemonstratorParameters,
    'arrangement_referee': ArrangementRefereeParameters,
    'bag_recorder': BagRecorderParameters,
    'live_view': LiveViewParameters,
    'lifecycle_manager': LifecycleManagerParameters,
}
# What an argument means, what it may be and which nodes take it, their parameters say.
_NAMES = (
    *('scene_seed', 'scene_file', 'reference_colour'),
    *('headless', 'render', 'lockstep', 'timeout_s', 'wall_timeout_s'),
    *('model_dir', 'arm', 'workspace_config', 'library_dir', 'bag_dir', 'out_dir'),
)
ARGUMENTS = (
    *(argument(MODELS, name) for name in _NAMES),
    # Each is given to its nodes in any case, whose defaults are others.
    argument(MODELS, 'concept', ('arrangement_referee', 'concept')),
    argument(MODELS, 'hand', ('arranger', 'hand')),
    argument(MODELS, 'scene_rate', ('arranger', 'scene_rate')),
    argument(MODELS, 'simulation_rate', ('simulator', 'rate'), ('arranger', 'state_rate')),
    argument(MODELS, 'demonstration_seed', ('demonstrator', 'seed')),
    argument(MODELS, 'autostart', ('lifecycle_manager', 'autostart')),
    LaunchArgument(
        'demonstrations',
        str(DemonstratorParameters().count),
        'how many are shown and learned from; 0: none are, the learner waits for five of yours',
        (_shown := number(int, 0, 50)).allowed,
        _shown.parse,
    ),
    LaunchArgument(
        'live_view',
        'false',
        'whether arm and blocks are published for RViz and Foxglove',
        'true, false',
        {'true': True, 'false': False}.__getitem__,
    ),
    LaunchArgument(
        'params_file',
        '',
        'YAML of parameters of any node; an argument that is not at its default counts more',
        FILE.allowed,
        FILE.parse,
    ),
)


def start(context: object) -> list:
    """Return the nodes, and the handlers that end the launch, for the arguments as given."""
    texts = context.launch_configurations
    values = {a.name: a.value(texts[a.name]) for a in ARGUMENTS}
    nothing = dict.fromkeys(RESULT_KEYS) | {
        **{'success': False, 'moved': [], 'troubles': []},
        **{'concept': values['concept'], 'scene_seed': values['scene_seed']},
    }
    verdict = Verdict(Path(values['out_dir']), nothing)
    # Whatever prints while the nodes end comes before this.
    atexit.register(verdict.print)
    given = shares(ARGUMENTS, texts)
    params_file = [values['params_file']] if values['params_file'] else []

    def node(executable: str, **others: object) -> Node:
        """Return a node that is given its share of the launch arguments, and others by name."""
        own = given.get(executable, {}) | others
        return Node(
            package=PACKAGE,
            executable=executable,
            name=executable,
            parameters=[*params_file, own] if own else params_file,
            output='screen',
            sigterm_timeout=END_TIMEOUT_S,
            sigkill_timeout=END_TIMEOUT_S,
        )

    count, managed, simulated = (
        values['demonstrations'],
        {'autostart': False},
        {'use_sim_time': True},
    )
    learning = managed | ({'min_demonstrations': count} if count else {})
    what = {name: values[name] for name in ('concept', 'hand')}
    nodes = {'arrangement_referee': node('arrangement_referee', **what)}
    if values['bag_dir']:
        nodes['bag_recorder'] = node('bag_recorder')
    if values['live_view']:
        nodes['live_view'] = node('live_view', hand=values['hand'])
    nodes['simulator'] = node('simulator', **managed, **what, scene_rate=values['scene_rate'])
    nodes['arranger'] = node('arranger', **managed)
    nodes['concept_learner'] = node('concept_learner', **learning, **simulated)
    nodes['lifecycle_manager'] = node(
        'lifecycle_manager',
        node_names=['simulator', 'concept_learner', 'arranger'],
        exit_on_failure=True,  # nobody would wait for what cannot be configured
    )
    if count:
        nodes['demonstrator'] = node(
            'demonstrator',
            **{'concept': values['concept'], 'blocks': True, 'count': count, **simulated},
            subscribers=1 + bool(values['bag_dir']) + values['live_view'],
        )

    def on_exit(name: str) -> Callable[[object, object], list]:
        def react(event: object, _: object) -> list:
            done = name == 'demonstrator' and event.returncode == 0
            judged = name == 'arrangement_referee' and not values['headless']
            if done or judged:
                return []
            reason = f'{name} ended with status {event.returncode}'
            return [Shutdown(reason=reason)] if verdict.decide(reason) else []

        return react

    handlers = [
        RegisterEventHandler(OnProcessExit(target_action=action, on_exit=on_exit(name)))
        for name, action in nodes.items()
    ]
    return [*handlers, *nodes.values()]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments; what depends on their values follows once they are known."""
    declared = [
        DeclareLaunchArgument(
            a.name, default_value=a.default, description=f'{a.meaning}; {a.allowed}'
        )
        for a in ARGUMENTS
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])
