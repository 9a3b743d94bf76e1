# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Three concepts that nothing names and nobody trained, taught by five examples each, and enacted.

    ros2 launch ebm_concept_ros reach_between.launch.py demonstrations:=0 \
        scene_file:=$PWD/examples/table_of_four.yaml timeout_s:=600 hold_s:=60 &
    python examples/own_concepts.py

The status is 0 where the arm has come within 20 mm of what was meant, three times.
"""

import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.linalg import norm

from ebm_concept_ros import conversions
from ebm_concept_ros.client.concept_arm import ConceptArm
from ebm_core import COLOURS, SHAPES, Demonstration, Scene


class Meant(NamedTuple):
    """What is meant; the learner is told none of it, it sees examples.

    colours: of those who take part, in the order of the arguments below. place(x0, *them): where
    the actor, which was at x0, is brought to, (2,). off(x, *them): how far x is from satisfying it.
    """

    colours: tuple[str, ...]
    place: Callable[..., np.ndarray]
    off: Callable[..., float]


MEANT = {
    'a third of the way': Meant(
        ('red', 'blue'),
        lambda x0, red, blue: red + (blue - red) / 3,
        lambda x, red, blue: norm(x - red - (blue - red) / 3),
    ),
    'south-east of it': Meant(
        ('green',),
        lambda x0, green: green + np.array([0.25, -0.25]),
        lambda x, green: norm(x - green - np.array([0.25, -0.25])),
    ),
    # Wherever it comes from: any place of the ring will do.
    'up to it': Meant(
        ('yellow',),
        lambda x0, yellow: yellow + 0.3 * (x0 - yellow) / norm(x0 - yellow),
        lambda x, yellow: abs(norm(x - yellow) - 0.3),
    ),
}
NEAR_M = 0.02


def example(rng: np.random.Generator, name: str) -> Demonstration:
    """Return an example: the actor, who takes part, and two more, anywhere."""
    colours, place, _ = MEANT[name]
    others = [c for c in COLOURS if c not in colours]
    seen = (*colours, *rng.choice(others, 2, replace=False))
    while True:
        x0, *positions = rng.uniform(-0.8, 0.8, (1 + len(seen), 2))
        end = place(x0, *positions[: len(colours)])
        if np.abs(end).max() <= 1 and norm(end - x0) > 0.2:
            break
    before = Scene(
        np.array([x0, *positions]),
        np.array([(0.1, 0.1, 0.1), *(COLOURS[c] for c in seen)]),
        np.array([SHAPES.index('cross'), *rng.integers(len(SHAPES), size=len(seen))]),
        np.arange(1 + len(seen)) == 0,
    )
    takes_part = (np.arange(len(before)) <= len(colours)).astype(float)
    return Demonstration((before, before.with_positions([end, *positions])), takes_part)


def effector(arm: ConceptArm) -> np.ndarray:
    """Return where the effector is now, (2,) of the particle plane."""
    place = arm.status().effector_in_base
    return arm.workspace.to_plane(np.array([place.x, place.y]))


def main() -> int:
    """Teach one after the other, have each enacted, and compare with what was meant."""
    rng, good = np.random.default_rng(0), 0
    with ConceptArm(timeout_s=120.0) as arm:
        table = conversions.scene_from_message(arm.scene(), arm.workspace)
        on_table = dict(zip(table.ids, table.scene.positions, strict=True))
        for name, (colours, _, off) in MEANT.items():
            arm.pause()  # or it would set out as soon as it has learned
            arm.teach(name, [example(rng, name) for _ in range(5)])
            arm.enact(name)
            arm.resume()
            outcome = arm.wait(timeout_s=120.0)
            off_units = off(effector(arm), *(on_table[f'{colour}_0'] for colour in colours))
            off_m = off_units * arm.workspace.metres_per_unit
            print(f'{name}: {outcome.reason}; {off_m * 1e3:.0f} mm from what was meant')
            good += outcome.reached and off_m <= NEAR_M
    return 0 if good == len(MEANT) else 1


if __name__ == '__main__':
    sys.exit(main())
