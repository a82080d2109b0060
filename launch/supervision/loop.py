"""The launcher's loop: sleep until a node sends or prints something, ends, or is due, and hand that on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import zmq

from metrica.executors.control import ControlServer
from metrica.launch.supervision.limits import Limits
from metrica.launch.supervision.signals import StopSignals
from metrica.launch.supervision.supervised_node import SupervisedNode
from metrica.launch.supervision.systemd import Notifier

_LONGEST_WAIT = 10.0
"""Seconds between two checks for silent nodes, at most."""
_PUNCTUAL = 1.0
"""Seconds by which the loop may wake up late; if it is later, the launcher itself was not running."""


class Handler(Protocol):
    """What the loop hands on."""

    def has_ended(self, node: SupervisedNode) -> None:
        """The process of a node has ended."""
        ...

    def is_ready(self, node: SupervisedNode) -> None:
        """A node waits to be activated."""
        ...

    def after_turn(self, now: float) -> None:
        """Something may be due. now: monotonic seconds."""
        ...


class Chore(Protocol):
    """Something that the launcher keeps in order beside its nodes."""

    @property
    def fd(self) -> int | None:
        """A file descriptor that becomes readable when there is something to do; None if there is none."""
        ...

    @property
    def due_at(self) -> float | None:
        """When there is something to do, monotonic seconds; None if nothing is known to be."""
        ...

    def do(self, now: float) -> None:
        """Do what is to be done. now: monotonic seconds."""
        ...


class Loop:
    """One thread that supervises the nodes.

    stopping: whether signals are expected, and nothing is started or looked after any more.
    """

    def __init__(
        self,
        nodes: dict[str, SupervisedNode],
        control: ControlServer,
        signals: StopSignals,
        notifier: Notifier,
        limits: Limits,
        chores: Sequence[Chore],
        handler: Handler,
    ) -> None:
        self._nodes, self._control, self._signals, self._notifier = nodes, control, signals, notifier
        self._limits, self._chores, self._handler = limits, chores, handler
        self.stopping = False
        self._awake_at: float | None = None

    def wait(self, done: Callable[[], bool], *, until: float | None = None) -> None:
        """Supervise the nodes until `done()` is true, a signal arrives (unless already stopping) or `until` is over.

        until: monotonic seconds; None waits without a limit.
        """
        while not done() and not (self._signals.count and not self.stopping):
            if until is not None and time.monotonic() >= until:
                return
            self._turn(until)

    def wait_for_end(self, nodes: Iterable[SupervisedNode], seconds: float) -> None:
        """Wait until these nodes have ended, `seconds` have passed, or one more signal arrives."""
        signals, waited_for = self._signals.count, list(nodes)
        self.wait(
            lambda: not any(node.lives for node in waited_for) or self._signals.count > signals,
            until=time.monotonic() + seconds,
        )

    def _turn(self, until: float | None) -> None:
        """One turn of the loop: sleep until something happens or is due, and handle it."""
        now = time.monotonic()
        due = [self._notifier.alive(now), *self._deadlines(now), *([until] if until is not None else [])]
        poller = zmq.Poller()
        poller.register(self._control.socket, zmq.POLLIN)
        poller.register(self._signals.fd, zmq.POLLIN)
        readers: dict[int, Callable[[], bool]] = {}
        for node in self._nodes.values():
            if node.child:
                poller.register(node.child.pidfd, zmq.POLLIN)
                readers.update(node.readers())
        chores = {} if self.stopping else {chore.fd: chore for chore in self._chores if chore.fd is not None}
        for fd in [*readers, *chores]:
            poller.register(fd, zmq.POLLIN)
        wait = max(0.0, min(due) - now)
        ready = dict(poller.poll(math.ceil(wait * 1000)))
        self._notice_own_absence(wait)
        for fd, read in readers.items():
            if fd in ready:
                read()
        if self._signals.fd in ready:
            self._signals.clear()
        self._hear()
        for node in self._nodes.values():
            if node.child and node.child.pidfd in ready:
                self._handler.has_ended(node)
        now = time.monotonic()
        if not self.stopping:
            for chore in self._chores:
                if chore.fd in ready or (chore.due_at is not None and now >= chore.due_at):
                    chore.do(now)
        self._handler.after_turn(now)

    def _notice_own_absence(self, wait: float) -> None:
        """If the launcher itself was not running (stopped, swapped out, blocked by a terminal), excuse all silences.

        Otherwise every node would look hung, because the launcher could not read the heartbeats.
        """
        now = time.monotonic()
        if self._awake_at is not None and now - self._awake_at > wait + _PUNCTUAL:
            for node in self._nodes.values():
                node.excuse(now)
        self._awake_at = now

    def _deadlines(self, now: float) -> list[float]:
        """The times at which the loop must wake up by itself: to start or kill a node, or to check for silent nodes."""
        times = [node.due_at for node in self._nodes.values()] + [chore.due_at for chore in self._chores]
        steps = [at for at in times if at is not None]
        silence = min(_LONGEST_WAIT, self._limits.hung / 4, self._limits.start / 4)
        return [*([] if self.stopping else steps), now + silence]

    def _hear(self) -> None:
        while health := self._control.receive():
            node = self._nodes.get(health.node)
            if node and node.beats(health, time.monotonic()):
                self._handler.is_ready(node)
