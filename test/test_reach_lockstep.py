"""The whole loop over DDS, in lockstep: demonstrations in, an arm between two blue entities out."""

import json
from contextlib import ExitStack

import pytest
from harness import running


@pytest.mark.parametrize(('arm', 'scene_seed'), [('jaco', 1), ('iiwa7', 2)])
def test_five_demonstrations_make_the_arm_reach_between(tmp_path, arm, scene_seed):
    with ExitStack() as nodes:
        for name, parameters in (
            ('simulator', {'arm': arm, 'lockstep': True, 'scene_seed': scene_seed}),
            ('controller', {'arm': arm, 'lockstep': True}),
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
            )
        )
        code, out = referee.end(timeout_s=200.0)
        assert code == 0, referee.log
    result = json.loads(out.splitlines()[-1])
    assert result['success'] is True
    assert result['distance_m'] <= 0.02
    # Identified: the blue ones and the effector take part, nobody else does.
    for name, attention in result['attention'].items():
        assert (attention > 0.5) == (name.startswith('blue') or name == 'end_effector')
