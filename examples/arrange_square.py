# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A square is shown five times, and the arm makes one of four blocks in a mess, by torque.

    python examples/arrange_square.py
    MUJOCO_GL=egl python examples/arrange_square.py --video docs/pictures/arrange_square.gif

Prints a line for each move, and how far the end is off. The status is 0 where it is within 20 mm of
a square, and nobody else was moved.
"""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.arranging.arranger import Arranger, Plan
from ebm_concept_ros.arranging.enacting import enact
from ebm_concept_ros.arranging.footprints import Standing
from ebm_concept_ros.arranging.moves import Move
from ebm_concept_ros.arranging.taught import taught
from ebm_concept_ros.grasping.blocks import Block, BlockTable
from ebm_concept_ros.grasping.hand import load_hand
from ebm_concept_ros.grasping.mover import BlockMover, Refused
from ebm_concept_ros.grasping.outcome import MOVED_M, Outcome
from ebm_concept_ros.grasping.simulation import BlockSimulation
from ebm_concept_ros.grasping.stages import Stage
from ebm_concept_ros.package_files import DEFAULT_ARM, WORKSPACE, arm_file, package_path
from ebm_concept_ros.report.block_renderer import BlockRenderer
from ebm_concept_ros.report.video import captioned, write_gif
from ebm_concept_ros.workspace import load_workspace
from ebm_core import COLOURS, SHAPES, Demonstration, Scene, load_model
from ebm_core.evaluation.open.formations import Formation

SIDE = 0.6  # particle units: 15 cm on the table
SQUARE = Formation('square', template=((0, 0), (SIDE, 0), (SIDE, SIDE), (0, SIDE)))
NEAR_M = 0.02
SPACE = load_workspace(package_path('', WORKSPACE))
SEEN_AS = {'box': 'square', 'cylinder': 'circle', 'prism': 'triangle'}
TABLE = BlockTable(
    blocks=tuple(
        Block(
            **{'id': id_, 'colour': id_.partition('_')[0], 'shape': shape, 'width_m': 0.045},
            **{'height_m': 0.04, 'position_in_base_m': place, 'yaw_rad': yaw_rad},
        )
        for id_, shape, place, yaw_rad in (
            ('blue_0', 'cylinder', (0.45, -0.30), 0.0),
            ('blue_1', 'cylinder', (0.52, 0.26), 0.0),
            ('blue_2', 'cylinder', (0.58, -0.03), 0.0),
            ('blue_3', 'cylinder', (0.32, 0.20), 0.0),
            ('orange_0', 'box', (0.34, -0.14), 0.4),
            ('green_0', 'prism', (0.42, 0.22), 0.5),
        )
    )
)
MOVERS = np.array([block.colour == 'blue' for block in TABLE.blocks])
FRAMES_PER_S, TIMES_FASTER, STILL_S, SIZE = 12.5, 3, 1.0, (480, 360)


def demonstrations() -> list[Demonstration]:
    """Return five: four blue ones anywhere become a square; two others, of any look, stay."""
    shown = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        places, shapes = rng.uniform(-0.8, 0.8, (6, 2)), rng.integers(1, len(SHAPES), 6)
        others = rng.permutation([name for name in COLOURS if name != 'blue'])[:2]
        colours = [COLOURS[name] for name in ['blue'] * 4 + others.tolist()]
        before = Scene(places, colours, shapes, np.arange(6) < 4)
        end = SQUARE.bring(rng, places[None, :4], np.zeros((1, 0, 2)))[0]
        after = before.with_positions(np.concatenate((end, places[4:])))
        shown.append(Demonstration((before, after), before.movable))
    return shown


def in_the_mess() -> list[Standing]:
    """Return what stands where before anything is moved."""
    return [
        Standing(block.id, block.footprint, block.position_in_base_m, block.yaw_rad)
        for block in TABLE.blocks
    ]


def planned(hand_yaw_rad: float = 0.0) -> tuple[Arranger, Plan]:
    """Return who plans, and the moves that make a square of the mess."""
    model = load_model('models/open')
    concept = taught(model, 'square', demonstrations())
    scene = Scene(
        SPACE.to_plane(np.array([each.place for each in in_the_mess()])),
        [COLOURS[block.colour] for block in TABLE.blocks],
        [SHAPES.index(SEEN_AS[block.shape]) for block in TABLE.blocks],
        [False] * len(TABLE.blocks),
    )
    arranger = Arranger(model, SPACE)
    return arranger, arranger.plan(concept, scene, in_the_mess(), hand_yaw_rad)


def off_m(places_in_base_m: np.ndarray) -> float:
    """Return by how much a side or a diagonal of four places (4, 2) is not the square's, m."""
    places, nobody = SPACE.to_plane(places_in_base_m), np.zeros((0, 2))
    return float(SQUARE.violation(places, places, nobody)) * SPACE.metres_per_unit


class Hand(BlockMover):
    """The arm's own hand over the table; keeps pictures where a renderer is given."""

    def __init__(self, simulation: BlockSimulation) -> None:
        super().__init__(simulation, self.see)
        self.renderer: BlockRenderer | None = None
        self.frames: list[np.ndarray] = []

    def move(self, move: Move) -> Outcome | Refused:
        """Carry a block by torques, and tell what came of it."""
        outcome = super().move(move)
        came = f'FAILED, {outcome.reason}'
        if outcome.success:
            came = f'off by {1e3 * outcome.placing_error_m:.1f} mm, {outcome.time_s:.1f} s'
        x, y = move.place_in_base_m
        print(f'{move.entity} to ({x:.3f}, {y:.3f}) m: {came}', flush=True)
        return outcome

    def see(self, _: Stage) -> None:
        """Keep a picture where it is time for the next."""
        due_s = len(self.frames) * TIMES_FASTER / FRAMES_PER_S
        if self.renderer is not None and self.simulation.time_s >= due_s:
            self.frames.append(self.renderer.draw())


def film(frames: list[np.ndarray], end: str) -> list[np.ndarray]:
    """Return the pictures with captions; the first and the last, with what came of it, stay."""
    told, faster = 'shown five squares: make one of the blue ones', f'{TIMES_FASTER} times faster'
    moving = [captioned(frame, told, f'{faster} than real') for frame in frames]
    still = round(STILL_S * FRAMES_PER_S)
    return [moving[0]] * still + moving + [captioned(frames[-1], end)] * 2 * still


def main() -> int:
    """Plan, have it done, and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--video', type=Path, help='GIF to write; takes half a minute longer')
    video = parser.parse_args().video
    simulation = BlockSimulation(
        load_arm(arm_file(DEFAULT_ARM)),
        load_hand(package_path('', f'config/hands/{DEFAULT_ARM}.yaml')),
        *(SPACE, TABLE),
    )
    hand = Hand(simulation)
    arranger, plan = planned(hand.hand_yaw_rad)
    print(f'{", ".join(plan.movers)} are to be a square: {len(plan.moves)} moves')
    with ExitStack() as stack:
        if video:
            hand.renderer = stack.enter_context(BlockRenderer(simulation, SIZE))
        done = enact(arranger, plan, hand)
    before, after = (
        np.array([each.place for each in now]) for now in (in_the_mess(), hand.standing())
    )
    off, moved = off_m(after[MOVERS]), np.linalg.norm(after - before, axis=1)[~MOVERS]
    right = done.success and off <= NEAR_M and moved.max() < MOVED_M
    end = f'{"a square" if right else "no square"}, off by {1e3 * off:.1f} mm at most'
    print(f'{end}, after {simulation.time_s:.1f} s', done.reason)
    if video:
        video.parent.mkdir(parents=True, exist_ok=True)
        write_gif(video, film(hand.frames, end), FRAMES_PER_S)
    return 0 if right else 1


if __name__ == '__main__':
    sys.exit(main())
