"""Topic names, as in ROS 2: `[a-z][a-z0-9_]*` joined by `/`; a relative name joins its node's namespace."""

from __future__ import annotations

import re
from collections.abc import Iterable

from metrica.errors import TopicError

_PART = r"[a-z][a-z0-9_]*"
_NAME = re.compile(_PART)
_TOPIC = re.compile(rf"/?{_PART}(/{_PART})*")
_PATTERN = re.compile(rf"/?(\*|{_PART})(/(\*|{_PART}))*")


def check_name(name: str, what: str = "name") -> str:
    """A single name, such as a camera's or a node's. Raises TopicError."""
    if not _NAME.fullmatch(name):
        raise TopicError(f"'{name}' is not a {what}: use a-z, 0-9 and _, beginning with a letter")
    return name


def check_topic(topic: str, *, wildcard: bool = False) -> str:
    """A topic name, with `*` for any one part if `wildcard`. Raises TopicError."""
    if not (_PATTERN if wildcard else _TOPIC).fullmatch(topic):
        raise TopicError(f"'{topic}' is not a topic: use names of a-z, 0-9 and _ joined by '/'")
    return topic


def resolve(namespace: str, topic: str) -> str:
    """`/door` and `tracks` give `/door/tracks`; an absolute topic stays as it is. Raises TopicError."""
    check_topic(topic, wildcard=True)
    if topic.startswith("/"):
        return topic
    return f"{namespace.rstrip('/')}/{topic}"


def matching(pattern: str, topics: Iterable[str]) -> list[str]:
    """The topics that an absolute pattern names, sorted; `*` stands for one part."""
    expression = re.compile(re.escape(pattern).replace(r"\*", "[^/]+"))
    return sorted(t for t in topics if expression.fullmatch(t))
