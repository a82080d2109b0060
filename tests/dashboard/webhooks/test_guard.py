"""A webhook reaches nothing of the server's own network, whatever its name is resolved to and when."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard.store.database import Database
from metrica.dashboard.webhooks import sender
from metrica.dashboard.webhooks.guard import TargetError, check_url, is_public, shown
from metrica.dashboard.webhooks.messages import test_message as message_of_test
from metrica.dashboard.webhooks.sender import Outcome, post, session
from metrica.dashboard.webhooks.signing import sign
from metrica.dashboard.webhooks.table import Webhook, Webhooks
from tests.dashboard.client import NOON, STORE
from tests.dashboard.webhooks.receiver import Receiver, receiving
from tests.paths import ROOT

OURS = [
    "127.0.0.1", "127.8.9.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "192.0.0.8", "198.18.0.1", "240.0.0.1",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:c0a8:101::1", "2001:0:7f00:1::", "2001:db8::1", "",
]  # fmt: skip


@pytest.mark.parametrize("address", OURS)
def test_an_address_of_this_network_is_none_of_the_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::"])
def test_an_address_of_the_internet_is_one(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_each_way_to_write_an_address_in_ipv6_is_judged_like_the_address(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for inside in (
        ipaddress.IPv6Address(0xFFFF << 32 | number),
        ipaddress.IPv6Address(0x64FF9B << 96 | number),
        ipaddress.IPv6Address(0x2002 << 112 | number << 80),
    ):
        assert is_public(str(inside)) == is_public(str(address)), inside


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.com/", "plain HTTP"),
        ("https://127.0.0.1/", "of this network"),
        ("https://[::1]:8443/x", "of this network"),
        ("https://localhost/", "of this network"),
        ("https://LOCALHOST./", "of this network"),
        ("https://127.1/", "of this network"),
        ("https://2130706433/", "of this network"),
        ("https://0x7f000001/", "of this network"),
        ("https://user:secret@example.com/", "no user"),
        ("ftp://example.com/", "is none"),
        ("https:///path", "is none"),
        ("https://example.com:99999/", "is none"),
        ("https://example.com/a b", "is none"),
        ("https://example.com/\r\nX: y", "is none"),
        ("https://example.com/" + "x" * 2000, "is none"),
    ],
)
def test_such_an_address_cannot_be_registered(url: str, words: str) -> None:
    with pytest.raises(TargetError, match=words):
        check_url(url, allow_private=False)


def test_an_administrator_may_allow_this_network_but_no_password_in_an_address() -> None:
    check_url("http://192.168.1.5:8123/api/webhook/x", allow_private=True)
    check_url("https://example.com/footfall", allow_private=False)
    with pytest.raises(TargetError, match="no user"):
        check_url("https://a:b@example.com/", allow_private=True)
    assert shown("https://example.com/hook/key?token=1") == "https://example.com/…"


def deliver(hook: Webhook) -> Outcome:
    async def work() -> Outcome:
        async with session(bool(hook.allow_private)) as client:
            return await post(client, hook, message_of_test(hook, NOON))

    return asyncio.run(work())


def test_a_name_that_leads_into_this_network_is_refused_when_it_is_connected_to(
    database: Database, target: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the name was fine when it was registered, and then leads to 127.0.0.1."""
    port = int(re.findall(r":(\d+)/", target.address)[0])
    hook = Webhooks(database).add(STORE.id, f"https://hooks.example.com:{port}/x", "event")
    asked: list[str] = []

    async def here(_loop: Any, host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", here)
    outcome = deliver(hook)
    assert asked and "an address of this network" in outcome.trouble and target.posts == []


def test_an_address_that_got_into_the_table_is_refused_all_the_same(database: Database, target: Receiver) -> None:
    hook = Webhooks(database).add(STORE.id, target.address, "event", allow_private=True)
    assert deliver(hook).trouble == ""
    database.write(lambda db: db.execute("UPDATE webhooks SET allow_private = 0")).result()
    found = Webhooks(database).get(STORE.id, hook.n)
    assert found is not None and "plain HTTP" in deliver(found).trouble
    assert len(target.posts) == 1


def test_no_proxy_of_the_environment_is_used(
    database: Database, target: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.address)
        hook = Webhooks(database).add(STORE.id, target.address, "event", allow_private=True)
        assert deliver(hook).status == 204
        assert proxy.posts == [] and len(target.posts) == 1


def test_a_target_that_drips_is_given_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, and the whole never does."""
    import threading

    timeout = sender.ClientTimeout
    monkeypatch.setattr(sender, "ClientTimeout", lambda total: timeout(total=1))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ending = threading.Event()

        def drip() -> None:
            peer, _ = listener.accept()
            with peer:
                try:
                    peer.sendall(b"HTTP/1.1 200 OK\r\n")
                    while not ending.wait(0.1):
                        peer.sendall(b"X-Drip: 1\r\n")
                except OSError:
                    return  # it was given up

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        hook = Webhooks(database).add(STORE.id, url, "event", allow_private=True)
        try:
            assert "did not answer" in deliver(hook).trouble
        finally:
            ending.set()
            thread.join()


def test_the_snippet_of_the_docs_knows_a_genuine_message(database: Database, target: Receiver) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/webhooks.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/webhooks.md", "exec"), names)
    is_genuine = names["is_genuine"]
    hook = Webhooks(database).add(STORE.id, target.address, "event", allow_private=True)
    assert deliver(hook).trouble == ""
    ((headers, body),) = target.posts
    given_header = headers["Metrica-Signature"]
    assert is_genuine(hook.secret, given_header, body)
    assert not is_genuine(hook.secret, given_header, body + b" ")
    assert not is_genuine(hook.secret + "x", given_header, body)
    assert not is_genuine(hook.secret, sign(hook.secret, body, int(time.time()) - 301), body)
    assert not is_genuine(hook.secret, "", body) and not is_genuine(hook.secret, "t=1,v1=", body)
    moved = re.sub(r"t=(\d+)", lambda found: f"t={int(found[1]) + 1}", given_header)
    assert not is_genuine(hook.secret, moved, body)
    assert hook.secret not in repr(hook)
