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
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, RegisterEventHandler, Shutdown
from launch.event_handlers import OnProcessExit
from launch_ros.actions import Node

from ebm_concept_ros.arm.composed_table import SUM
from ebm_concept_ros.nodes.runtime.pacing import require_divisor
from ebm_concept_ros.nodes.task_parameters import AskedParameters, asked
from ebm_concept_ros.package_files import DEFAULT_ARM, shipped_arms
from ebm_core.concepts import spatial_concept_names
from ebm_core.world.scene import COLOURS

PACKAGE = 'ebm_concept_ros'
RESULT_KEYS = (
    'success',
    'distance_m',
    'reach_time_s',
    'energy',
    'attention',
    'concept',
    'scene_seed',
)


@dataclass(frozen=True)
class Argument:
    """A launch argument: how its text is read, and what is allowed, in words."""

    name: str
    default: str
    meaning: str
    allowed: str
    parse: Callable[[str], object]  # raises ValueError, KeyError or OSError if not

    def value(self, text: str) -> object:
        """Return the parsed text, or raise ValueError that names argument, value and allowed."""
        try:
            return self.parse(text)
        except (ValueError, KeyError, OSError):
            raise ValueError(
                f'launch argument {self.name}: {text!r} is refused; allowed: {self.allowed}'
            ) from None


def _number(kind: type, low: float, high: float) -> Callable[[str], object]:
    def parse(text: str) -> object:
        value = kind(text)
        if not low <= value <= high:  # also refuses NaN
            raise ValueError
        return value

    return parse


def _choice(*names: str) -> Callable[[str], object]:
    return {name: name for name in names}.__getitem__


def _weights(text: str) -> list[float]:
    weights = [_number(float, 0.0, 1e6)(part) for part in text.split(',')]
    if len(weights) != 2 or not any(weights):
        raise ValueError
    return weights


def _path(text: str) -> str:
    """Return an absolute path that exists, or the empty text."""
    return str(Path(text).expanduser().resolve(strict=True)) if text else ''


def _arm(text: str) -> str:
    """Return the name of a shipped arm, or the absolute path of a file."""
    if text in shipped_arms():
        return text
    path = Path(text).expanduser().resolve()
    if not path.is_file():
        raise ValueError
    return str(path)


def _output_folder(text: str) -> str:
    path = Path(text).expanduser().resolve()
    if not text or (path.exists() and not path.is_dir()):
        raise ValueError
    return str(path)


ARGUMENTS = (
    Argument(
        'scene_seed',
        '1',
        'seed of the entities on the table',
        'an integer from 0 to 2147483647',
        _number(int, 0, 2**31 - 1),
    ),
    Argument(
        'scene_file',
        '',
        'YAML of the entities on the table, instead of the seed',
        'a file that exists, or nothing',
        _path,
    ),
    Argument(
        'concept',
        'between',
        'what is demonstrated and then enacted',
        ', '.join(spatial_concept_names()),
        _choice(*spatial_concept_names()),
    ),
    Argument(
        'reference_colour',
        'blue',
        'colour of the entities that the concept refers to',
        ', '.join(COLOURS),
        _choice(*COLOURS),
    ),
    Argument(
        'also',
        '',
        'a second concept, demonstrated too and added to the first; nothing: none',
        f'{", ".join(spatial_concept_names())}, or nothing',
        _choice(*spatial_concept_names(), ''),
    ),
    Argument(
        'also_colour',
        'red',
        'colour of the entities that the second concept refers to',
        ', '.join(COLOURS),
        _choice(*COLOURS),
    ),
    Argument(
        'weights',
        '1,1',
        'of the two in the sum; what weighs 0 is not judged',
        'two numbers from 0 to 1000000, not both 0, with a comma in between',
        _weights,
    ),
    Argument(
        'demonstrations',
        '5',
        'how many are shown and learned from; 0: none are, the learner waits for five of yours',
        'an integer from 0 to 50',
        _number(int, 0, 50),
    ),
    Argument(
        'demonstration_seed',
        '0',
        'seed of their arrangements',
        'an integer from 0 to 2147483647',
        _number(int, 0, 2**31 - 1),
    ),
    Argument(
        'headless',
        'true',
        'true: end with the verdict; false: show a window and end when it is closed',
        'true, false',
        {'true': True, 'false': False}.__getitem__,
    ),
    Argument(
        'render',
        'true',
        'true: leave picture and video, drawn after the verdict; false: end with it',
        'true, false',
        {'true': True, 'false': False}.__getitem__,
    ),
    Argument(
        'lockstep',
        'false',
        'true: simulated time waits for the controller',
        'true, false',
        {'true': True, 'false': False}.__getitem__,
    ),
    Argument(
        'simulation_rate',
        '500.0',
        'steps and joint states of the simulation, Hz',
        'a number from 100 to 2000',
        _number(float, 100.0, 2000.0),
    ),
    Argument(
        'control_rate',
        '500.0',
        'torques, which divides simulation_rate, Hz',
        'a number from 50 to 2000',
        _number(float, 50.0, 2000.0),
    ),
    Argument(
        'hold_s',
        '0.5',
        'simulated time to stay at the goal, s',
        'a number from 0 to 60',
        _number(float, 0.0, 60.0),
    ),
    Argument(
        'timeout_s',
        '20.0',
        'simulated time to reach the goal in, s',
        'a number from 0.1 to 3600',
        _number(float, 0.1, 3600.0),
    ),
    Argument(
        'wall_timeout_s',
        '180.0',
        "time for the whole run by the wall's clock, s",
        'a number from 1 to 36000',
        _number(float, 1.0, 36000.0),
    ),
    Argument(
        'model_dir',
        '',
        'folder of the weights; nothing: those that the package ships',
        'a folder that exists, or nothing',
        _path,
    ),
    Argument(
        'arm',
        DEFAULT_ARM,
        'the arm',
        f'{", ".join(shipped_arms())}, or the YAML file of another',
        _arm,
    ),
    Argument(
        'workspace_config',
        '',
        'YAML that maps the particle plane to the table; nothing: the one of the package',
        'a file that exists, or nothing',
        _path,
    ),
    Argument(
        'record_dir',
        '',
        'folder for a record of the run that can be replayed; nothing: none is made',
        'a folder, which is made if need be, or nothing',
        lambda text: text and _output_folder(text),
    ),
    Argument(
        'out_dir',
        'out',
        'folder for result.json, picture and video',
        'a folder, which is made if need be',
        _output_folder,
    ),
)


class Verdict:
    """What the referee leaves in out_dir, and what became of it if it left nothing."""

    def __init__(self, values: dict[str, object]) -> None:
        self._path = Path(values['out_dir']) / 'result.json'
        self._values = values
        self._reason = 'the launch ended before the verdict'
        self.is_final = False
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)  # an earlier run's is not this run's

    def result(self) -> dict[str, object]:
        """Return the referee's result, or one that says why there is none."""
        try:
            return json.loads(self._path.read_text(encoding='utf-8'))
        except (OSError, ValueError):
            values = self._values
            known = {
                'concept': SUM.join(filter(None, (values['concept'], values['also']))),
                'scene_seed': values['scene_seed'],
            }
            nothing = dict.fromkeys(RESULT_KEYS) | {'success': False, 'attention': {}}
            return nothing | known | {'reason': self._reason}

    def print(self) -> None:
        """Print the result as one line."""
        print(json.dumps(self.result()), flush=True)

    def end(self, reason: str) -> list:
        """End the launch; raises RuntimeError without a success, which makes the status 1."""
        if self.is_final:
            return []
        self.is_final = True
        self._reason = reason
        if not self.result()['success']:
            raise RuntimeError(f'no success: {reason}')
        return [Shutdown(reason=reason)]


def start(context: object) -> list:
    """Return the nodes, and the handlers that end the launch, for the arguments as given."""
    values = {a.name: a.value(context.launch_configurations[a.name]) for a in ARGUMENTS}
    # The controller refuses this too, and stays there unconfigured; nobody would wait for that.
    require_divisor(values['control_rate'], values['simulation_rate'])
    asked(AskedParameters(**{name: values[name] for name in _TASK}))  # whether they go together
    verdict = Verdict(values)
    # Whatever prints while the nodes end comes before this.
    atexit.register(verdict.print)

    def node(executable: str, suffix: str = '', **others: object) -> Node:
        """Return a node that is given its share of the launch arguments, and others by name."""
        shared = {key: values[key] for key in PARAMETERS[executable]}
        return Node(
            package=PACKAGE,
            executable=executable,
            name=executable + suffix,
            parameters=[shared | others],
            output='screen',
        )

    count = values['demonstrations']
    rate = values['simulation_rate']
    nodes = {
        'referee': node('referee'),
        'simulator': node('simulator', rate=rate),
        'controller': node('controller', state_rate=rate),
    }
    # These two stamp what they publish; the others take their time from the joint states.
    simulated = {'use_sim_time': True}
    learning = {'min_demonstrations': count} if count else {}
    also = values['also']
    if also:
        learning['composition_concepts'] = [values['concept'], also]
        learning['composition_weights'] = values['weights']
    nodes['concept_learner'] = node('concept_learner', **learning, **simulated)
    if count:
        showing = {'count': count, 'seed': values['demonstration_seed'], **simulated}
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
            return verdict.end(f'{name} ended with status {event.returncode}')

        return react

    handlers = [
        RegisterEventHandler(OnProcessExit(target_action=action, on_exit=on_exit(name)))
        for name, action in nodes.items()
    ]
    return [*handlers, *nodes.values()]


_CONFIGS = ('arm', 'workspace_config')
_SHOWN = ('concept', 'reference_colour')
_TASK = (*_SHOWN, 'also', 'also_colour')
PARAMETERS = {
    'referee': (
        *_CONFIGS,
        *_TASK,
        'hold_s',
        'model_dir',
        'out_dir',
        'render',
        'scene_seed',
        'timeout_s',
        'wall_timeout_s',
        'weights',
    ),
    'simulator': (*_CONFIGS, *_TASK, 'headless', 'lockstep', 'scene_file', 'scene_seed'),
    'controller': (*_CONFIGS, 'control_rate', 'lockstep', 'model_dir', 'record_dir'),
    'concept_learner': ('model_dir', 'workspace_config'),
    'demonstrator': (*_SHOWN, 'workspace_config'),
}


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments; what depends on their values follows once they are known."""
    declared = [
        DeclareLaunchArgument(
            a.name, default_value=a.default, description=f'{a.meaning}; {a.allowed}'
        )
        for a in ARGUMENTS
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])
