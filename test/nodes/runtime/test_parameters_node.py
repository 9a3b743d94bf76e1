# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Parameters are declared once, in a model, and can be read and described over DDS."""

import pytest
from harness import Probe, running, wait_until
from pydantic import Field
from rcl_interfaces.msg import ParameterType
from rcl_interfaces.srv import DescribeParameters, GetParameters, SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import ReliabilityPolicy
from std_msgs.msg import String

from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter, Parameters, validate
from ebm_concept_ros.nodes.simulator_setup import SimulatorParameters


class Example(Parameters):
    """Parameters of nothing."""

    rate: float = Field(10.0, ge=1.0, le=100.0, description='how often, Hz')
    count: int = Field(3, ge=0, description='how many')


def test_unknown_names_and_values_out_of_range_are_named():
    assert validate(Example, {'rate': 50.0}).count == 3
    with pytest.raises(InvalidParameter, match=r'parameter rate: .* 100.*given 101'):
        validate(Example, {'rate': 101.0})
    with pytest.raises(InvalidParameter, match=r'parameter rte: .*not permitted'):
        validate(Example, {'rte': 50.0})


def test_a_node_describes_its_parameters_and_does_not_let_them_change(tmp_path):
    probe = Probe()
    try:
        with running('simulator', tmp_path, scene_seed=9):
            names = list(SimulatorParameters.model_fields)
            described = probe.call(
                DescribeParameters,
                'simulator/describe_parameters',
                DescribeParameters.Request(names=names),
            ).descriptors
            for descriptor, field in zip(
                described, SimulatorParameters.model_fields.values(), strict=True
            ):
                assert descriptor.description == field.description
                assert descriptor.read_only
            rate = described[names.index('rate')]
            assert rate.type == ParameterType.PARAMETER_DOUBLE
            assert rate.floating_point_range[0].from_value == 100.0
            assert rate.floating_point_range[0].to_value == 2000.0
            got = probe.call(
                GetParameters,
                'simulator/get_parameters',
                GetParameters.Request(names=['scene_seed', 'concept']),
            ).values
            assert got[0].integer_value == 9 and got[1].string_value == 'between'
            changed = probe.call(
                SetParameters,
                'simulator/set_parameters',
                SetParameters.Request(
                    parameters=[Parameter('rate', value=200.0).to_parameter_msg()]
                ),
            ).results[0]
            assert not changed.successful and 'read-only' in changed.reason
    finally:
        probe.close()


def test_the_planners_settings_are_described_and_bounded(tmp_path):
    probe = Probe()
    try:
        with running('controller', tmp_path, planner='mppi', autostart=False):
            names = ['planning.temperature', 'planning.weights.energy', 'planning.samples']
            described = probe.call(
                DescribeParameters,
                'controller/describe_parameters',
                DescribeParameters.Request(names=names),
            ).descriptors
            assert [d.floating_point_range[0].to_value for d in described[:2]] == [100.0, 1000.0]
            assert described[2].integer_range[0].from_value == 2
            assert all(d.description for d in described)
            assert [d.read_only for d in described] == [True, False, True], 'weights are live'
    finally:
        probe.close()


@pytest.mark.parametrize(
    ('settings', 'text'),
    [
        ({'planning.elites': 5}, 'parameter planning.elites: unknown here; known are step_s'),
        ({'planning.weights.enery': 1.0}, 'parameter planning.weights.enery: unknown here'),
        ({'planning.weights.height': -1.0}, 'planning.weights.height out of range'),
        ({'planning.iterations': 1.5}, 'planning.iterations'),
    ],
)
def test_settings_that_the_planner_does_not_have_end_the_node(tmp_path, settings, text):
    with running('controller', tmp_path, **settings) as node:
        assert node.end()[0] == 2
        assert text in node.log


def test_parameters_override_the_quality_of_service(tmp_path):
    probe = Probe()
    overrides = {'qos_overrides./joint_states.publisher.reliability': 'best_effort'}
    try:
        with running('simulator', tmp_path, **overrides):
            wait_until(
                lambda: probe.node.get_publishers_info_by_topic('joint_states'), 'a publisher'
            )
            found = probe.node.get_publishers_info_by_topic('joint_states')
            assert [e.qos_profile.reliability for e in found] == [ReliabilityPolicy.BEST_EFFORT]
    finally:
        probe.close()


def test_an_override_is_of_one_topic_alone():
    probe = Probe()
    node = Node(
        'overridden',
        context=probe.node.context,
        parameter_overrides=[Parameter('qos_overrides./one.publisher.depth', value=7)],
    )
    try:
        one, other = (
            node.create_publisher(String, name, **qos.overridable(qos.LATCHED))
            for name in ('one', 'other')
        )
        assert one.qos_profile.depth == 7
        assert other.qos_profile.depth == qos.LATCHED.depth == 1
    finally:
        node.destroy_node()
        probe.close()
