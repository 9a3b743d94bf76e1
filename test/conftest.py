"""Gives every test process a ROS domain of its own; without ROS, leaves out what needs it."""

import os
from importlib.util import find_spec

from domains import claim_domain

_domain, _lock = claim_domain()
os.environ['ROS_DOMAIN_ID'] = str(_domain)
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'

if find_spec('rclpy') is None:
    collect_ignore_glob = [
        'test_*_node.py',
        'test_conversions.py',
        'test_enactor.py',
        'test_examples.py',
        'test_launch_reach.py',
        'test_reach_lockstep.py',
    ]
