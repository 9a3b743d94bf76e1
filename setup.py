# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The pip face of ebm_core, for people without ROS.

`pip install .` gives the library and its command line; CMakeLists.txt builds the ROS 2 package.
"""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from setuptools import find_packages, setup

manifest = ElementTree.parse(Path(__file__).with_name('package.xml')).getroot()

setup(
    name='ebm_core',
    version=manifest.findtext('version'),
    description=manifest.findtext('description'),
    license=manifest.findtext('license'),
    python_requires='>=3.11',
    packages=find_packages(include=['ebm_core', 'ebm_core.*']),
    package_data={'ebm_core': ['py.typed', 'weights/*/*']},
    install_requires=['numpy', 'pydantic', 'safetensors', 'scipy', 'torch', 'tqdm'],
    extras_require={
        'figures': ['matplotlib'],
        'digits': ['scikit-learn'],
        'logs': ['tensorboard'],
        # The world dm_reacher of trajectories; a distribution's name may have either dash.
        'physics': ['dm_control'],
        'test': ['hypothesis', 'matplotlib', 'pillow', 'pytest', 'scikit-learn', 'tensorboard'],
    },
    entry_points={'console_scripts': ['ebm_core=ebm_core.__main__:main']},
)
