# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A simulated arm, a learner, and a page in the browser on which concepts are taught and run.

    ros2 launch ebm_concept_ros teach.launch.py
    ros2 launch ebm_concept_ros teach.launch.py port:=9000 arm:=ur5e scene_file:=mine.yaml
    ros2 launch ebm_concept_ros teach.launch.py hand:=jaco

It prints the address of the page and runs until it is interrupted. The arm moves for goals alone.
With a hand an arranger takes the place of the controller, and the concepts are of things it moves.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, RegisterEventHandler, Shutdown
from launch.event_handlers import OnProcessExit
from launch_ros.actions import Node

from ebm_concept_ros.nodes.arranger_setup import ArrangerParameters
from ebm_concept_ros.nodes.bag_recorder import BagRecorderParameters
from ebm_concept_ros.nodes.concept_learner import ConceptLearnerParameters
from ebm_concept_ros.nodes.controller_setup import ControllerParameters
from ebm_concept_ros.nodes.runtime.launch_arguments import argument, shares
from ebm_concept_ros.nodes.simulator_setup import SimulatorParameters
from ebm_concept_ros.nodes.teach_page import TeachPageParameters
from ebm_concept_ros.package_files import package_path

# A node writes its record or its bag when it is asked to end; on a busy machine the usual 5 s are
# too few, and whoever is killed leaves none.
END_TIMEOUT_S = '60'
MODELS = {
    'simulator': SimulatorParameters,
    'controller': ControllerParameters,
    'arranger': ArrangerParameters,
    'concept_learner': ConceptLearnerParameters,
    'teach_page': TeachPageParameters,
    'bag_recorder': BagRecorderParameters,
}
# What stands for nothing here: a table to teach on, and a place to keep concepts.
_TABLE, _BLOCKS = 'config/teach_table.yaml', 'config/teach_blocks.yaml'
_LIBRARY = 'out/library'
_MEANINGS = {
    'scene_file': "YAML of the entities; empty: the page's own",
    'bag_dir': 'folder of the bags that the page records; empty: bags, beside the library',
}
_NAMES = (
    *('host', 'port', 'token', 'connection_timeout_s', 'frame_rate'),
    *('scene_file', 'arm', 'workspace_config', 'model_dir', 'library_dir', 'bag_dir'),
    *('planner', 'lockstep'),
)
ARGUMENTS = (
    *(
        replace(
            found := argument(MODELS, name),
            default=_LIBRARY if name == 'library_dir' else found.default,
            meaning=_MEANINGS.get(name, found.meaning),
        )
        for name in _NAMES
    ),
    argument(MODELS, 'hand', ('simulator', 'hand'), ('teach_page', 'hand')),
)


def start(context: object) -> list:
    """Return the nodes, and what ends the launch: any of them that ends by itself."""
    texts = dict(context.launch_configurations)
    hand = texts['hand']
    texts['scene_file'] = texts['scene_file'] or str(package_path('', _BLOCKS if hand else _TABLE))
    given = shares(ARGUMENTS, texts)
    library = given.setdefault('concept_learner', {}).setdefault(
        'library_dir', str(Path(_LIBRARY).resolve())
    )
    given.setdefault('bag_recorder', {}).setdefault('bag_dir', str(Path(library).parent / 'bags'))
    given['bag_recorder']['record_at_start'] = False
    # With weights for any concept, a place mirrored at a reference may be no worse than by 1.
    given.setdefault('controller', {}).update(follow_topic=False, goal_margin=0.5)
    if hand:
        given.setdefault('arranger', {})['hand'] = hand
        given['simulator']['scene_rate'] = ArrangerParameters.model_fields['scene_rate'].default
    nodes = {
        name: Node(
            package='ebm_concept_ros',
            executable=name,
            name=name,
            parameters=[given[name]] if name in given else [],
            output='screen',
            sigterm_timeout=END_TIMEOUT_S,
            sigkill_timeout=END_TIMEOUT_S,
        )
        for name in MODELS
        if name != ('controller' if hand else 'arranger')
    }

    def ended(name: str, event: object, _: object) -> list:
        # One of these that is gone is said on the page, and may be started anew.
        if name in ('concept_learner', 'controller', 'arranger', 'bag_recorder'):
            return []
        return [Shutdown(reason=f'{name} ended with status {event.returncode}')]

    handlers = [
        RegisterEventHandler(OnProcessExit(target_action=node, on_exit=partial(ended, name)))
        for name, node in nodes.items()
    ]
    return [*handlers, *nodes.values()]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments; the nodes follow once their values are known."""
    declared = [
        DeclareLaunchArgument(
            a.name, default_value=a.default, description=f'{a.meaning}; {a.allowed}'
        )
        for a in ARGUMENTS
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])
