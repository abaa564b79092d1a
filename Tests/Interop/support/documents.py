"""Examples of a document, each marked with a comment: `<!-- run: name -->`."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[3]


def examples(document):
    """The code of each example, by its name."""
    text = (ROOT / document).read_text()
    return dict(re.findall(r"<!-- run: (.+?) -->\n```\w+\n(.*?)```\n", text, re.DOTALL))
