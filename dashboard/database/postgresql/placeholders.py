"""The `?` of a statement as PostgreSQL's numbered `$1`, `$2`, …"""

from __future__ import annotations

import re
from functools import lru_cache

# What may hold a question mark that stands for no value: text, quoted names, comments, and text between dollars.
_PARTS = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \$(\w*)\$.*?\$\1\$ | (\?)""",
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=1024)
def numbered(sql: str) -> str:
    """Return a statement with `$1`, `$2`, … for each `?` that is outside of quotes and comments."""
    count = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal count
        if match[2] is None:
            return match[0]
        count += 1
        return f"${count}"

    return _PARTS.sub(replaced, sql)
