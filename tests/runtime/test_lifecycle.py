"""The lifecycle of a node: the transitions that its state allows, and no others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from metrica import Node, testing
from metrica.errors import LifecycleError, NodeError, ParameterError
from metrica.lifecycle import Lifecycle, State


class Witness(Node):
    """Notes which hooks are called, and fails in the hook that a parameter names."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.fails = ""

    def _called(self, what: str) -> None:
        self.calls.append(what)
        if what == self.fails:
            raise NodeError(f"{what} failed")

    def check(self) -> None:
        self._called("check")

    def on_configure(self) -> None:
        self._called("configure")

    def on_activate(self) -> None:
        self._called("activate")

    def on_deactivate(self) -> None:
        self._called("deactivate")

    def on_cleanup(self) -> None:
        self._called("cleanup")

    def on_shutdown(self) -> None:
        self._called("shutdown")


ALLOWED = {
    ("configure", State.UNCONFIGURED): State.INACTIVE,
    ("activate", State.INACTIVE): State.ACTIVE,
    ("deactivate", State.ACTIVE): State.INACTIVE,
    ("cleanup", State.INACTIVE): State.UNCONFIGURED,
    ("shutdown", State.UNCONFIGURED): State.FINALIZED,
    ("shutdown", State.INACTIVE): State.FINALIZED,
    ("shutdown", State.ACTIVE): State.FINALIZED,
    ("shutdown", State.FINALIZED): State.FINALIZED,
}
PATHS = {
    State.UNCONFIGURED: (),
    State.INACTIVE: ("configure",),
    State.ACTIVE: ("configure", "activate"),
    State.FINALIZED: ("shutdown",),
}


def brought_to(state: State) -> Lifecycle:
    lifecycle = Lifecycle(Witness())
    for step in PATHS[state]:
        getattr(lifecycle, step)()
    assert lifecycle.state is state
    return lifecycle


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("transition", ["configure", "activate", "deactivate", "cleanup", "shutdown"])
def test_only_the_transitions_of_the_state_are_allowed(state: State, transition: str) -> None:
    lifecycle = brought_to(state)
    move: Callable[[], None] = getattr(lifecycle, transition)
    after = ALLOWED.get((transition, state))
    if after is None:
        with pytest.raises(LifecycleError, match=rf"\(not running\) is {state} and cannot be .*: it must be "):
            move()
        assert lifecycle.state is state
    else:
        move()
        assert lifecycle.state is after


def test_shutdown_goes_through_every_stage_and_only_once() -> None:
    node = Witness()
    lifecycle = Lifecycle(node)
    lifecycle.configure()
    lifecycle.activate()
    lifecycle.shutdown()
    lifecycle.shutdown()
    assert node.calls == ["check", "configure", "activate", "deactivate", "cleanup", "shutdown"]


def test_a_node_can_be_paused_and_reconfigured() -> None:
    node = Witness()
    lifecycle = Lifecycle(node)
    for step in ("configure", "activate", "deactivate", "activate", "deactivate", "cleanup", "configure"):
        getattr(lifecycle, step)()
    assert lifecycle.state is State.INACTIVE
    assert node.calls.count("check") == 2


@pytest.mark.parametrize("hook", ["check", "configure", "activate", "deactivate", "cleanup"])
def test_an_error_in_a_hook_leaves_the_state_as_it_was(hook: str) -> None:
    node = Witness()
    node.fails = hook
    lifecycle = Lifecycle(node)
    state = lifecycle.state
    with pytest.raises(NodeError, match=f"{hook} failed"):
        for step in ("configure", "activate", "deactivate", "cleanup"):
            state = lifecycle.state
            getattr(lifecycle, step)()
    assert lifecycle.state is state


@pytest.mark.parametrize("hook", ["deactivate", "cleanup"])
def test_a_node_that_fails_to_end_well_still_gets_its_last_call(hook: str) -> None:
    lifecycle = brought_to(State.ACTIVE)
    node = lifecycle.node
    assert isinstance(node, Witness)
    node.fails = hook
    with pytest.raises(NodeError, match=f"{hook} failed"):
        lifecycle.shutdown()
    assert lifecycle.state is State.FINALIZED
    assert node.calls[-1] == "shutdown"


def test_the_bench_takes_a_node_through_its_life() -> None:
    node = Witness()
    with testing.run(node):
        assert node.calls == ["check", "configure", "activate"]
    assert node.calls[3:] == ["deactivate", "cleanup", "shutdown"]


def test_a_node_that_cannot_be_checked_never_starts() -> None:
    class Picky(Witness):
        def check(self) -> None:
            raise ParameterError("uri", "'uri' names a file that does not exist")

    node = Picky()
    with pytest.raises(ParameterError), testing.run(node):
        pytest.fail("it ran")
    assert node.calls == []
