# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Random moves on random tables, and what came of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field

import numpy as np

from ebm_concept_ros.arm.loading import load_arm
from ebm_concept_ros.arranging.grasps import carried
from ebm_concept_ros.arranging.moves import Move
from ebm_concept_ros.grasping.contact import ContactWatch
from ebm_concept_ros.grasping.hand import load_hand
from ebm_concept_ros.grasping.mover import standing
from ebm_concept_ros.grasping.outcome import Outcome
from ebm_concept_ros.grasping.pick_and_place import PickAndPlace
from ebm_concept_ros.grasping.random_table import Ranges, free_place, random_block_table
from ebm_concept_ros.grasping.simulation import BlockSimulation
from ebm_concept_ros.grasping.stages import Stage
from ebm_concept_ros.package_files import (
    DEFAULT_ARM,
    WORKSPACE,
    arm_file,
    hand_file,
    package_path,
)
from ebm_concept_ros.workspace import load_workspace

WITHIN_M = 0.005
_MAX_DRAWS = 200

Watcher = Callable[[BlockSimulation, Stage], None]


@dataclass(frozen=True)
class Conditions:
    """What is measured: moves on each table, blocks on it, gaps between circles around them.

    arm, hand: names of shipped ones, or YAML files.
    """

    moves: int = 3
    blocks: int = 5
    gap_m: float = 0.04
    seed: int = 0
    replan_every: int = 4
    ranges: Ranges = field(default_factory=Ranges)
    arm: str = DEFAULT_ARM
    hand: str = DEFAULT_ARM


def random_move(simulation: BlockSimulation, rng: np.random.Generator, gap_m: float) -> Move | None:
    """Return a move of any block to a free place, with the hand's best yaws, or None."""
    things = standing(simulation)
    for _ in range(_MAX_DRAWS):
        thing = things[int(rng.integers(len(things)))]
        others = [other for other in things if other is not thing]
        circles = [(*other.position_in_base_m, other.footprint.radius_m) for other in others]
        place = free_place(rng, thing.footprint.radius_m, circles, gap_m)
        if place is None:
            continue
        best = carried(thing, np.array(place), others, simulation.hand.room)
        if best is not None:
            return Move(thing.id, place, best.pick_yaw_rad, best.place_yaw_rad)
    return None


def succeeded(outcome: Outcome) -> bool:
    """Tell whether a move counts."""
    return outcome.success and outcome.placing_error_m < WITHIN_M and not outcome.bystanders_moved


class _Blows:
    """Watches for blows, of which there are none. share: of a blow, the most that was seen."""

    def __init__(self, simulation: BlockSimulation, watcher: Watcher | None) -> None:
        self.share = 0.0
        self._simulation, self._watcher = simulation, watcher
        self._watch = ContactWatch(simulation.arm, simulation.hand)

    def __call__(self, stage: Stage) -> None:
        self._watch.after_step(self._simulation)
        self.share = max(self.share, self._watch.share)
        if self._watcher is not None:
            self._watcher(self._simulation, stage)


def run(scenes: range, conditions: Conditions, watcher: Watcher | None = None) -> Iterator[dict]:
    """Yield what came of each move; watcher: sees each step."""
    arm, hand = load_arm(arm_file(conditions.arm)), load_hand(hand_file(conditions.hand))
    workspace = load_workspace(package_path('', WORKSPACE))
    seed, gap_m = conditions.seed, conditions.gap_m
    for scene in scenes:
        table = random_block_table([seed, scene], conditions.blocks, gap_m, conditions.ranges)
        simulation = BlockSimulation(arm, hand, workspace, table)
        mover = PickAndPlace(simulation, replan_every=conditions.replan_every)
        rng = np.random.default_rng([seed, scene, 1])
        blows = _Blows(simulation, watcher)
        for index in range(conditions.moves):
            move = random_move(simulation, rng, gap_m)
            if move is None:
                break
            began = time.process_time()
            blows.share = 0.0
            outcome = mover.move(move, blows)
            block = simulation.table[move.entity]
            yield {
                **asdict(outcome),
                **{'scene': scene, 'move': index, 'counts': succeeded(outcome)},
                **{'shape': block.shape, 'mass_kg': block.mass_kg, 'friction': block.friction},
                **{'bystanders_moved': list(outcome.bystanders_moved)},
                'contact_share': blows.share,
                'processor_s': time.process_time() - began,
            }
