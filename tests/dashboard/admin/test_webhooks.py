"""`metrica-admin webhook`, against a real target."""

from __future__ import annotations

from metrica.dashboard.store.database import Database
from metrica.dashboard.webhooks.table import Webhooks
from tests.dashboard.admin.commands import Here
from tests.dashboard.client import STORE
from tests.dashboard.webhooks.receiver import receiving


def test_a_webhook_is_added_tested_listed_resumed_and_removed(here: Here) -> None:
    with receiving() as target:
        number, secret = here.ok("webhook", "add", STORE.id, target.address, "--allow-private").split()
        assert secret.startswith("whsec_")
        assert here.ok("webhook", "test", STORE.id, number) == "delivered: it answered 204\n"
        assert target.taken[0]["type"] == "test" and "Metrica-Signature" in target.posts[0][0]
        target.status = 500
        status, said, _ = here.run("webhook", "test", STORE.id, number)
        assert (status, said) == (1, "not delivered: it answered 500\n")
        (line,) = here.ok("webhook", "list", STORE.id).splitlines()
        host = target.address.rsplit("/hook", 1)[0]
        assert line.split("\t") == [number, "quarter", f"{host}/…", "good", "0", "-", ""]
        assert here.ok("webhook", "resume", STORE.id, number, "--from-now") == f"resumed {number}\n"
        assert here.ok("webhook", "remove", STORE.id, number) == f"removed {number}\n"
        assert here.ok("webhook", "list", STORE.id) == ""
        assert "see 'metrica-admin webhook list'" in here.fails("webhook", "remove", STORE.id, number)


def test_an_address_of_this_network_is_refused_unless_it_is_allowed(here: Here) -> None:
    assert "--allow-private" in here.fails("webhook", "add", STORE.id, "https://127.0.0.1/x")
    assert "--allow-private" in here.fails("webhook", "add", STORE.id, "http://example.com/x")
    with Database(here.place) as database:
        assert Webhooks(database).of_store(STORE.id) == []
