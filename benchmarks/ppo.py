# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Model-free learning beside energies over transitions: PPO from as many steps of a world.

    pip install stable-baselines3
    python -m benchmarks.ppo --worlds seven_joints --steps 50000 250000

prints the table of `python -m ebm_core trajectory evaluate`. The agent sees the state and how it is
rewarded, from the world's start to its goal, in episodes of the world's cap; the settings are those
of Stable-Baselines3. The package itself does not need it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from ebm_core.trajectory import evaluation as ev
from ebm_core.trajectory.worlds import WORLDS, World, world_named


def env_of(world: World) -> object:
    """Return the world as a Gymnasium environment."""
    import gymnasium

    class Env(gymnasium.Env):
        """One state of the world; the reward after a step is −unit · far."""

        observation_space = gymnasium.spaces.Box(-1.0, 1.0, world.low.shape)
        action_space = gymnasium.spaces.Box(-1.0, 1.0, (world.actions,))

        def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple:
            super().reset(seed=seed)
            self.state, self.left = np.array([world.start]), world.cap
            return self.state[0].astype(np.float32), {}

        def step(self, action: np.ndarray) -> tuple:
            self.state = world.step(self.state, action[None].astype(float))
            self.left -= 1
            far = float(world.far(torch.from_numpy(self.state), torch.tensor([world.goal]))[0])
            over = world.ends and far < world.reach
            seen = self.state[0].astype(np.float32)
            return seen, -world.unit * far, over, self.left == 0, {}

    return Env()


class Policy:
    """A trained policy as a planner of episodes."""

    def __init__(self, agent: object) -> None:
        self._agent = agent

    def actions(self, states: np.ndarray, goals: np.ndarray) -> np.ndarray:
        """Return actions (B, a) in states (B, d); the goal is the one that it was trained for."""
        return self._agent.predict(states.astype(np.float32), deterministic=True)[0].astype(float)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train agents and print the table; status 2 without Stable-Baselines3."""
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.ppo',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--worlds', nargs='+', choices=tuple(WORLDS), default=['seven_joints'])
    parser.add_argument('--steps', type=int, nargs='+', default=[50_000], help='of the world')
    parser.add_argument('--seeds', type=int, default=3, help='agents per row')
    parser.add_argument('--json', type=Path, help='where every number goes')
    args = parser.parse_args(arguments)
    try:
        from stable_baselines3 import PPO
    except ImportError as error:
        print(f'pip install stable-baselines3 ({error})', file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    rows = []
    print(ev.HEAD)
    for name in args.worlds:
        world = world_named(name)
        for steps in args.steps:
            found = {}
            for seed in range(args.seeds):
                agent = PPO('MlpPolicy', env_of(world), seed=seed, device='cpu').learn(steps)
                taken = agent.num_timesteps  # whole rollouts, so a few more
                found[seed] = ev.episode(world, Policy(agent))
            rows.append(ev.row(f'PPO, {taken} steps', world, found, optimum=ev.optimum_of(world)))
            print(rows[-1].line(), flush=True)
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps({'rows': [asdict(row) for row in rows]}, indent=1) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
