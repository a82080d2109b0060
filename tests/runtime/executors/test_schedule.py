"""Timers of a running node, on the machine's own clock."""

from __future__ import annotations

import time

from metrica import Node, timer
from metrica.executors.schedule import Schedule


class Timers(Node):
    def on_configure(self) -> None: ...

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    @timer(seconds=0.02)
    def often(self) -> None:
        self.calls.append("often")

    @timer(seconds=3600)
    def rarely(self) -> None:
        self.calls.append("rarely")


class Idle(Timers):
    @timer(seconds=0)
    def idle(self) -> None:
        self.calls.append("idle")


def test_a_timer_that_is_late_is_called_once_and_then_a_period_later() -> None:
    node = Timers()
    schedule = Schedule(node)
    schedule.start()
    schedule.run_due(lambda: False)
    assert node.calls == []
    time.sleep(0.1)  # five periods
    schedule.run_due(lambda: False)
    schedule.run_due(lambda: False)
    assert node.calls == ["often"]
    assert 0 < schedule.seconds_to_next(time.monotonic() + 10) <= 0.02


def test_the_loop_waits_for_the_next_timer_but_not_longer_than_it_is_told() -> None:
    schedule = Schedule(Timers())
    schedule.start()
    assert schedule.seconds_to_next(time.monotonic() + 10) <= 0.02
    assert schedule.seconds_to_next(time.monotonic() - 1) == 0


def test_a_timer_of_period_0_is_called_in_every_turn_and_never_waited_for() -> None:
    node = Idle()
    schedule = Schedule(node)
    schedule.start()
    for _ in range(3):
        schedule.run_due(lambda: False)
    assert node.calls == ["idle"] * 3
    assert schedule.seconds_to_next(time.monotonic() + 10) == 0


def test_nothing_is_called_once_it_is_over() -> None:
    node = Idle()
    schedule = Schedule(node)
    schedule.start()
    time.sleep(0.03)
    schedule.run_due(lambda: True)
    assert node.calls == []
