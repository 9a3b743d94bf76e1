# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Show the arm a concept by hand: five demonstrations over the topic `demonstrations`.

The concept is a place beside the green entity. Nothing names it: the five events are all that the
learner gets. With OFFSET as it is they show "north of green", which the referee can judge:

    ros2 launch ebm_concept_ros reach_between.launch.py demonstrations:=0 \
        concept:=north reference_colour:=green &
    python examples/own_demonstrations.py; wait $!
"""

import numpy as np
import rclpy
from geometry_msgs.msg import Point, Pose
from rclpy.node import Node
from std_msgs.msg import ColorRGBA, Header

from ebm_concept_ros.msg import Demonstration, Entity, Scene

OFFSET = np.array([0.0, 0.3])  # from the green entity to the actor's goal, particle units
PLANE = Header(frame_id='particle_plane')  # positions in particle units, the square [-1, 1]²
BLACK, GREEN, RED = (0.1, 0.1, 0.1), (0.1, 0.7, 0.2), (0.9, 0.1, 0.1)


def entity(name: str, xy: np.ndarray, rgb: tuple, shape: int, movable: bool = False) -> Entity:
    """Return one entity at xy (2,), particle units."""
    r, g, b = rgb
    return Entity(
        id=name,
        pose=Pose(position=Point(x=float(xy[0]), y=float(xy[1]))),
        colour=ColorRGBA(r=r, g=g, b=b, a=1.0),
        shape=shape,
        movable=movable,
    )


def demonstration(rng: np.random.Generator) -> Demonstration:
    """Return one event: the actor goes from anywhere to its place beside the green one."""
    start, green, red = rng.uniform(-0.7, 0.7, (3, 2))
    end = green + OFFSET
    states = [
        Scene(
            header=PLANE,
            entities=[
                entity('actor', actor, BLACK, Entity.CROSS, movable=True),
                entity('green', green, GREEN, Entity.CIRCLE),
                entity('red', red, RED, Entity.SQUARE),
            ],
        )
        for actor in (start, end)
    ]
    # The actor and the green entity take part, the red one does not.
    return Demonstration(header=PLANE, concept='mine', states=states, attention=[1.0, 1.0, 0.0])


def main() -> None:
    """Wait for the learner, then send five demonstrations."""
    rclpy.init()
    node = Node('teacher')
    publisher = node.create_publisher(Demonstration, 'demonstrations', 50)
    while publisher.get_subscription_count() == 0:
        rclpy.spin_once(node, timeout_sec=0.1)
    rng = np.random.default_rng(0)
    for _ in range(5):
        publisher.publish(demonstration(rng))
    publisher.wait_for_all_acked(rclpy.duration.Duration(seconds=10))
    rclpy.shutdown()


if __name__ == '__main__':
    main()
