"""What a `uri` means, and that its password is never shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica.errors import ParameterError
from metrica.nodes.capture.address import Kind, read_address, redact

WORDS = st.text(st.characters(codec="ascii", exclude_characters=" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f/?#\\@"), min_size=1)


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("rtsp://10.0.0.7/cam", Kind.STREAM),
        ("RTSP://user:pw@camera.local:8554/Streaming/Channels/101?transport=tcp", Kind.STREAM),
        ("http://10.0.0.7/mjpg/video.mjpg", Kind.STREAM),
        ("0", Kind.DEVICE),
        ("/dev/video2", Kind.DEVICE),
        ("clip.mp4", Kind.FILE),
        ("file:///tmp/a%20clip.mp4", Kind.FILE),
        ("/", Kind.FOLDER),
    ],
)
def test_an_address_says_what_stands_behind_it(uri: str, kind: Kind) -> None:
    assert read_address(uri).kind is kind


def test_the_parts_of_a_stream_are_read_as_ffmpeg_reads_them() -> None:
    address = read_address("rtsp://admin:p%40ss@w0rd@[fe80::1]:8554/a?b=c@d")
    assert (address.host, address.port, address.user, address.password) == ("fe80::1", 8554, "admin", "p@ss@w0rd")
    assert read_address("rtsp://10.0.0.7/cam").port == 554


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("ftp://10.0.0.7/a.mp4", "ftp://, which is not known here"),
        ("rtsp:///cam", "has no host"),
        ("rtsp://user:se/cret@10.0.0.7/cam", "%2F"),
        ("rtsp://10.0.0.7:port/cam", "has no host that can be read"),
    ],
)
def test_an_address_that_cannot_be_one_is_a_sentence_without_its_password(uri: str, words: str) -> None:
    with pytest.raises(ParameterError, match=words) as error:
        read_address(uri)
    assert "cret" not in str(error.value)


@given(user=WORDS, password=WORDS)
def test_no_password_is_left_in_a_redacted_text(user: str, password: str) -> None:
    text = f"cannot open rtsp://{user}:{password}@10.0.0.7:554/cam, trying again"
    assert redact(text) == "cannot open rtsp://***@10.0.0.7:554/cam, trying again"
    assert str(read_address(f"rtsp://u{user}:{password}@10.0.0.7/cam")) == "rtsp://***@10.0.0.7/cam"


@pytest.mark.parametrize(
    "uri",
    [
        "rtsp://admin:S3cret/with/slash@10.0.0.7/cam",
        "rtsp://admin:S3cret@with@at@10.0.0.7/cam",
        "rtsp://10.0.0.7/user=admin&password=S3cret&channel=1",
        "rtsp://10.0.0.7/user=admin_password=S3cret_channel=1_stream=0.sdp",
        "http://10.0.0.7/video.cgi?loginuse=x&PWD=S3cret&token=S3cret",
    ],
)
def test_passwords_in_odd_places_are_hidden_too(uri: str) -> None:
    assert "S3cret" not in redact(uri)
    assert "10.0.0.7" in redact(uri)


def test_an_address_does_not_show_its_password_when_it_is_printed() -> None:
    assert "S3cret" not in repr(read_address("rtsp://admin:S3cret@10.0.0.7/cam"))
