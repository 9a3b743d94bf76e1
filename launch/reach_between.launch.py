# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Five demonstrations, a learned concept, and an arm that enacts it: every node of the package.

    ros2 launch ebm_concept_ros reach_between.launch.py scene_seed:=7 concept:=between
    ros2 launch ebm_concept_ros reach_between.launch.py also:=north weights:=1,0.5

Headless it ends with the referee's verdict: one JSON line, last on standard output, and status 0
only on success. It runs under the real ros2 launch and under the stand-in of scripts/, and so keeps
to the few names of launch that both know.
"""

import atexit
from collections.abc import Callable
from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, RegisterEventHandler, Shutdown
from launch.event_handlers import OnProcessExit
from launch_ros.actions import Node

from ebm_concept_ros.arm.composed_table import SUM
from ebm_concept_ros.control.pacing import require_divisor
from ebm_concept_ros.nodes.bag_recorder import BagRecorderParameters
from ebm_concept_ros.nodes.concept_learner import ConceptLearnerParameters
from ebm_concept_ros.nodes.controller_setup import ControllerParameters
from ebm_concept_ros.nodes.demonstrator import DemonstratorParameters
from ebm_concept_ros.nodes.lifecycle_manager import LifecycleManagerParameters
from ebm_concept_ros.nodes.live_view import LiveViewParameters
from ebm_concept_ros.nodes.referee import RefereeParameters
from ebm_concept_ros.nodes.runtime.launch_arguments import LaunchArgument, argument, number, shares
from ebm_concept_ros.nodes.runtime.launch_verdict import Verdict
from ebm_concept_ros.nodes.runtime.texts import FILE
from ebm_concept_ros.nodes.simulator_setup import SimulatorParameters
from ebm_concept_ros.nodes.task_parameters import TaskParameters, requested_concepts

PACKAGE = 'ebm_concept_ros'
# A node writes its record or its bag when it is asked to end; on a busy machine the usual 5 s are
# too few, and whoever is killed leaves none.
END_TIMEOUT_S = '60'
RESULT_KEYS = (
    'success',
    'distance_m',
    'reach_time_s',
    'energy',
    'attention',
    'concept',
    'scene_seed',
)
MODELS = {
    'simulator': SimulatorParameters,
    'controller': ControllerParameters,
    'concept_learner': ConceptLearnerParameters,
    'demonstrator': DemonstratorParameters,
    'referee': RefereeParameters,
    'bag_recorder': BagRecorderParameters,
    'live_view': LiveViewParameters,
    'lifecycle_manager': LifecycleManagerParameters,
}
# What an argument means, what it may be and which nodes take it, their parameters say.
_NAMES = (
    *('scene_seed', 'scene_file', 'concept', 'reference_colour', 'also', 'also_colour', 'weights'),
    *('planner', 'headless', 'render', 'lockstep', 'control_rate'),
    *('hold_s', 'timeout_s', 'wall_timeout_s', 'silence_s'),
    *('model_dir', 'arm', 'workspace_config', 'library_dir', 'record_dir', 'bag_dir', 'out_dir'),
)
ARGUMENTS = (
    *(argument(MODELS, name) for name in _NAMES),
    argument(MODELS, 'simulation_rate', ('simulator', 'rate'), ('controller', 'state_rate')),
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
        'whether arm, table, plan and energy are published for RViz and Foxglove',
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
    # The controller refuses this too, and stays there unconfigured; nobody would wait for that.
    require_divisor(values['control_rate'], values['simulation_rate'])
    task = TaskParameters(**{name: values[name] for name in TaskParameters.model_fields})
    requested_concepts(task)  # or it raises: they do not go together
    nothing = dict.fromkeys(RESULT_KEYS) | {
        'success': False,
        'attention': {},
        'concept': SUM.join(filter(None, (values['concept'], values['also']))),
        'scene_seed': values['scene_seed'],
    }
    verdict = Verdict(Path(values['out_dir']), nothing)
    # Whatever prints while the nodes end comes before this.
    atexit.register(verdict.print)
    given = shares(ARGUMENTS, texts)
    params_file = [values['params_file']] if values['params_file'] else []

    def node(executable: str, suffix: str = '', **others: object) -> Node:
        """Return a node that is given its share of the launch arguments, and others by name."""
        own = given.get(executable, {}) | others
        return Node(
            package=PACKAGE,
            executable=executable,
            name=executable + suffix,
            parameters=[*params_file, own] if own else params_file,
            output='screen',
            sigterm_timeout=END_TIMEOUT_S,
            sigkill_timeout=END_TIMEOUT_S,
        )

    count = values['demonstrations']
    nodes = {'referee': node('referee')}
    if values['bag_dir']:
        nodes['bag_recorder'] = node('bag_recorder')
    if values['live_view']:
        nodes['live_view'] = node('live_view')
    # These two stamp what they publish; the others take their time from the joint states.
    simulated = {'use_sim_time': True}
    managed = {'autostart': False}
    learning = managed | ({'min_demonstrations': count} if count else {})
    also = values['also']
    if also:
        learning['composition_concepts'] = [values['concept'], also]
        learning['composition_weights'] = values['weights']
    nodes['simulator'] = node('simulator', **managed)
    nodes['controller'] = node('controller', **managed)
    nodes['concept_learner'] = node('concept_learner', **learning, **simulated)
    # What cannot be configured ends the launch: nobody would wait for it.
    nodes['lifecycle_manager'] = node('lifecycle_manager', exit_on_failure=True)
    if count:
        showing = {'count': count, **simulated}
        # Who else listens is not the learner.
        showing['subscribers'] = 1 + bool(values['bag_dir']) + values['live_view']
        nodes['demonstrator'] = node('demonstrator', **showing)
        if also:
            showing |= {'concept': also, 'reference_colour': values['also_colour']}
            nodes['demonstrator_also'] = node('demonstrator', '_also', **showing)

    def on_exit(name: str) -> Callable[[object, object], list]:
        def react(event: object, _: object) -> list:
            done = name.startswith('demonstrator') and event.returncode == 0
            judged = name == 'referee' and not values['headless']
            # The simulator holds the arm of a controller that was killed; the referee judges that.
            killed = name == 'controller' and event.returncode < 0
            if done or judged or killed:
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
