"""Topic names, as in ROS 2: parts `[a-z][a-z0-9_]*` joined by `/`. A relative name belongs to its node's namespace."""

from __future__ import annotations

import re
from collections.abc import Iterable

from metrica.errors import TopicError

_PART = r"[a-z][a-z0-9_]*"
_NAME = re.compile(_PART)
_TOPIC = re.compile(rf"/?{_PART}(/{_PART})*")
_PATTERN = re.compile(rf"/?(\*|{_PART})(/(\*|{_PART}))*")


def check_name(name: str, what: str = "name") -> str:
    """Check a single name, such as a camera's or a node's, and return it. `what` says in errors what it names.

    Raises TopicError.
    """
    if not _NAME.fullmatch(name):
        raise TopicError(f"'{name}' is not a {what}: use a-z, 0-9 and _, beginning with a letter")
    return name


def check_topic(topic: str, *, wildcard: bool = False) -> str:
    """Check a topic's name and return it. If `wildcard`, a part may be `*`. Raises TopicError."""
    if not (_PATTERN if wildcard else _TOPIC).fullmatch(topic):
        raise TopicError(f"'{topic}' is not a topic: use names of a-z, 0-9 and _ joined by '/'")
    return topic


def resolve(namespace: str, topic: str) -> str:
    """The absolute name of a topic in a namespace: `/door` and `tracks` give `/door/tracks`.

    An absolute name stays as it is. Raises TopicError.
    """
    check_topic(topic, wildcard=True)
    if topic.startswith("/"):
        return topic
    return f"{namespace.rstrip('/')}/{topic}"


def matching(pattern: str, topics: Iterable[str]) -> list[str]:
    """The topics that match an absolute pattern, sorted; `*` stands for any one part."""
    expression = re.compile(re.escape(pattern).replace(r"\*", "[^/]+"))
    return sorted(t for t in topics if expression.fullmatch(t))
