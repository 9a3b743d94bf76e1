# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The whole loop over DDS, in lockstep: demonstrations in, an arm between two blue entities out."""

import json
from contextlib import ExitStack

import numpy as np
import pytest
from harness import ARM, LOCKSTEP, PATIENT, Probe, running, wait_until_heard

import ebm_concept_ros.msg as ros
from ebm_concept_ros.field.obstacles import hand_radius_m
from ebm_concept_ros.nodes.runtime import qos

AT_DEFAULT_RATES = {name: {'lockstep': True} for name in ('simulator', 'controller')}


@pytest.mark.parametrize(
    ('arm', 'scene_seed', 'lockstep'), [('jaco', 1, AT_DEFAULT_RATES), ('iiwa7', 2, LOCKSTEP)]
)
def test_five_demonstrations_make_the_arm_reach_between(tmp_path, arm, scene_seed, lockstep):
    with ExitStack() as nodes:
        for name, parameters in (
            ('simulator', lockstep['simulator'] | {'arm': arm, 'scene_seed': scene_seed}),
            ('controller', lockstep['controller'] | {'arm': arm}),
            ('concept_learner', {}),
            ('demonstrator', {}),
        ):
            nodes.enter_context(running(name, tmp_path, **parameters))
        referee = nodes.enter_context(
            running(
                'referee',
                tmp_path,
                arm=arm,
                scene_seed=scene_seed,
                out_dir=tmp_path,
                timeout_s='10.0',
                render=False,
                **PATIENT,
            )
        )
        code, out = referee.end(timeout_s=1200.0)
        assert code == 0, referee.log
    result = json.loads(out.splitlines()[-1])
    assert result['success'] is True
    assert result['distance_m'] <= 0.02
    # Identified: the blue ones and the effector take part, nobody else does.
    for name, attention in result['attention'].items():
        assert (attention > 0.5) == (name.startswith('blue') or name == 'end_effector')


SCENE_WITH_A_POLE = """
entities:
  - {id: blue_0, colour: blue, position_in_base_m: [0.6087, -0.0889]}
  - {id: blue_1, colour: blue, position_in_base_m: [0.5991, 0.1253]}
  - {id: red_0, colour: red, position_in_base_m: [0.5129, -0.1443]}
  - {id: pole, colour: orange, position_in_base_m: [0.4368, 0.0082], radius_m: 0.012, height_m: 0.2}
"""


def test_the_arm_goes_around_a_pole_on_its_straight_way(tmp_path):
    """The scene's message says how high it is; the effector stays a hand's width away."""
    scene = tmp_path / 'pole.yaml'
    scene.write_text(SCENE_WITH_A_POLE)
    probe = Probe()
    statuses = probe.listen(ros.ControllerStatus, 'controller/status', qos.STATUS)
    try:
        with ExitStack() as nodes:
            for name, parameters in (
                ('simulator', LOCKSTEP['simulator'] | {'scene_file': scene}),
                ('controller', LOCKSTEP['controller']),
                ('concept_learner', {}),
            ):
                nodes.enter_context(running(name, tmp_path, **parameters))
            wait_until_heard(statuses)
            nodes.enter_context(running('demonstrator', tmp_path))
            referee = nodes.enter_context(
                running(
                    *('referee', tmp_path),
                    **dict(out_dir=tmp_path, timeout_s='10.0', render=False, **PATIENT),
                )
            )
            code, out = referee.end(timeout_s=1200.0)
            assert code == 0, referee.log
    finally:
        probe.close()
    assert json.loads(out.splitlines()[-1])['distance_m'] <= 0.02
    tracking = [s for s in statuses if s.state == ros.ControllerStatus.TRACKING]
    places = [(s.effector_in_base.x, s.effector_in_base.y) for s in tracking]
    assert len(places) > 20
    distances = np.linalg.norm(np.array(places) - (0.4368, 0.0082), axis=1)
    assert distances.min() > 0.012 + hand_radius_m(ARM)
