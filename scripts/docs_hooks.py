# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What mkdocs does with our pages beside the usual.

Pages link to files of the repository by relative paths, which work wherever the repository is
browsed. The site has no such files: there the link becomes the file's path.
"""

import re
from pathlib import PurePosixPath

_LINK_OUT = re.compile(r'\[([^\]]+)\]\((\.\./[^)#]+)\)')


def on_page_markdown(markdown: str, **_: object) -> str:
    """Return the page with links that leave docs/ as text and path."""
    return _LINK_OUT.sub(_as_path, markdown)


def _as_path(match: re.Match) -> str:
    text, target = match[1], match[2].removeprefix('../')
    if text.strip('`') in (target, PurePosixPath(target).name):
        return f'`{target}`'
    return f'{text} (`{target}`)'
