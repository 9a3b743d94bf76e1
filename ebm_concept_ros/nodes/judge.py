"""When a reach counts as done."""

from __future__ import annotations

import numpy as np

from ebm_concept_ros.conversions import NamedScene
from ebm_concept_ros.workspace import Workspace
from ebm_core.events import Concept
from ebm_core.scene import COLOURS, Scene

# Between two samples further apart than this the effector may have been anywhere.
MAX_GAP_S = 0.1


class ReachJudge:
    """Success: within the tolerance of the goal for `hold_s` without a break, in simulated time."""

    def __init__(self, tolerance_m: float, hold_s: float) -> None:
        self.tolerance_m = tolerance_m
        self.hold_s = hold_s
        self.distance_m = np.nan
        self.success = False
        self.reached_at_s: float | None = None  # when the stay that counts began
        self._last_s = -np.inf

    def update(self, time_s: float, effector_m: np.ndarray, goal_m: np.ndarray) -> bool:
        """Take the effector's and the goal's place in the plane, (2,) m; return success so far."""
        if self.success:
            return True
        # Time that jumped back breaks the stay, and so does one that nobody watched.
        if not 0.0 <= time_s - self._last_s <= MAX_GAP_S + 1e-9:
            self.reached_at_s = None
        self._last_s = time_s
        self.distance_m = float(np.linalg.norm(effector_m - goal_m))
        if not self.distance_m <= self.tolerance_m:  # not a number is not near either
            self.reached_at_s = None
        elif self.reached_at_s is None:
            self.reached_at_s = time_s
        self.success = (
            self.reached_at_s is not None and time_s - self.reached_at_s >= self.hold_s - 1e-9
        )
        return self.success


def true_goal_in_base_m(
    concept: Concept, named: NamedScene, reference_colour: str, workspace: Workspace
) -> np.ndarray:
    """Return where the concept asks the effector to go, (2,) m, by its definition.

    The references are the entities of the reference colour. Raises InvalidInput where their number
    is not the concept's.
    """
    scene = named.scene
    references = (nearest_colours(scene) == reference_colour) & ~scene.movable
    attention = (references | scene.movable).astype(float)
    return workspace.to_base(concept.goal(scene, attention))


def nearest_colours(scene: Scene) -> np.ndarray:
    """Return the (N,) names of the colours nearest to the entities' own."""
    names, palette = np.array(list(COLOURS)), np.array(list(COLOURS.values()))
    return names[np.linalg.norm(scene.colours[:, None] - palette, axis=-1).argmin(1)]
