"""Names of topics, and which quality of service can serve which."""

from __future__ import annotations

import pytest

from metrica.errors import TopicError
from metrica.qos import EVENTS, LATCHED, LATEST, LOSSLESS, PROFILES, STREAM, QoS, compatible
from metrica.topics import check_name, check_topic, matching, resolve


@pytest.mark.parametrize(
    ("namespace", "topic", "full"),
    [
        ("/door", "tracks", "/door/tracks"),
        ("/door/", "tracks", "/door/tracks"),
        ("", "tracks", "/tracks"),
        ("/", "tracks", "/tracks"),
        ("/door", "/back/tracks", "/back/tracks"),
        ("/shop/door", "a/b", "/shop/door/a/b"),
        ("", "*/frames", "/*/frames"),
    ],
)
def test_a_relative_name_joins_its_namespace(namespace: str, topic: str, full: str) -> None:
    assert resolve(namespace, topic) == full


BAD = ["", "/", "//", "a//b", "a/", "Tracks", "1st", "_a", "a-b", "a b", "a.b", "é", "a\n", "a/../b", "**/a", "a*"]


@pytest.mark.parametrize("topic", BAD)
def test_a_name_that_is_no_topic_is_one_sentence(topic: str) -> None:
    with pytest.raises(TopicError) as caught:
        resolve("/door", topic)
    assert str(caught.value) == f"'{topic}' is not a topic: use names of a-z, 0-9 and _ joined by '/'"


def test_a_wildcard_is_allowed_only_where_it_is_asked_for() -> None:
    assert check_topic("*/frames", wildcard=True) == "*/frames"
    with pytest.raises(TopicError):
        check_topic("*/frames")


@pytest.mark.parametrize("name", ["a/b", "/a", "*", "", "A", "a\n"])
def test_a_single_name_has_no_slash(name: str) -> None:
    with pytest.raises(TopicError) as caught:
        check_name(name, "camera")
    assert str(caught.value) == f"'{name}' is not a camera: use a-z, 0-9 and _, beginning with a letter"


def test_a_wildcard_stands_for_exactly_one_part() -> None:
    topics = ["/back/frames", "/door/frames", "/door/tracks", "/frames", "/shop/door/frames", "/doorframes"]
    assert matching("/*/frames", reversed(topics)) == ["/back/frames", "/door/frames"]
    assert matching("/door/*", topics) == ["/door/frames", "/door/tracks"]
    assert matching("/*/*/frames", topics) == ["/shop/door/frames"]
    assert matching("/frames", topics) == ["/frames"]
    assert matching("/frame", topics) == []


SERVES = {
    LATEST: {LATEST, LOSSLESS},
    STREAM: {LATEST, STREAM, LOSSLESS},
    EVENTS: {LATEST, STREAM, EVENTS},
    LATCHED: {LATEST, STREAM, LATCHED},
    LOSSLESS: {LATEST, STREAM, LOSSLESS},
}


@pytest.mark.parametrize("offered", PROFILES.values(), ids=str)
@pytest.mark.parametrize("requested", PROFILES.values(), ids=str)
def test_which_publisher_can_serve_which_subscription(offered: QoS, requested: QoS) -> None:
    assert compatible(offered, requested) == (requested in SERVES[offered])


def test_every_profile_has_a_name_for_launch_files_and_serves_itself() -> None:
    assert set(PROFILES) == {"latest", "stream", "events", "latched", "lossless"}
    for name, profile in PROFILES.items():
        assert str(profile).lower() == name
        assert compatible(profile, profile)
