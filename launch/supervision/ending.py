"""The end of a launch: nodes stop in order, and what does not stop is killed."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Sequence

from metrica.executors.control import Command, ControlServer
from metrica.launch.supervision.console import Console
from metrica.launch.supervision.limits import Limits
from metrica.launch.supervision.loop import Loop
from metrica.launch.supervision.signals import StopSignals
from metrica.launch.supervision.supervised_node import DUMP_SECONDS, SupervisedNode


class Ending:
    """Stops the nodes of a launch. levels: their names, sources first."""

    def __init__(
        self,
        nodes: dict[str, SupervisedNode],
        levels: Sequence[Sequence[str]],
        *,
        loop: Loop,
        control: ControlServer,
        signals: StopSignals,
        console: Console,
        limits: Limits,
    ) -> None:
        self._nodes, self._levels, self._loop = nodes, levels, loop
        self._control, self._signals, self._console, self._limits = control, signals, console, limits

    def stop(self) -> None:
        """Stop level by level, sources first. A level is stopped when the one before has ended, so that the messages on
        their way are still processed."""
        self._loop.stopping = True
        self._console.info("stopping")
        asked = self._signals.count
        for level in self._levels:
            nodes = [self._nodes[name] for name in level]
            for node in nodes:
                if node.is_connected:
                    self._control.command(node.name, Command.STOP)
                elif node.child:
                    node.child.send(signal.SIGTERM)
            self._loop.wait_for_end(nodes, self._limits.drain)
            if self._signals.count > asked:
                break  # one more signal: do not wait for the levels
            self.end(nodes)
        self.end(self._nodes.values())

    def end(self, nodes: Iterable[SupervisedNode]) -> None:
        """End every process that still runs: SIGTERM first, then SIGKILL."""
        self._loop.stopping = True
        late = [node for node in nodes if node.lives]
        for node in late:
            if node.child:
                self._console.warning(f"{node.name} does not stop; it is sent SIGTERM")
                node.child.send(signal.SIGTERM)
        self._loop.wait_for_end(late, self._limits.terminate)
        for node in late:
            if node.lives:
                self._console.error(f"{node.name} ignores SIGTERM; it is killed")
                node.dump(time.monotonic())
        self._loop.wait_for_end(late, DUMP_SECONDS)
        for node in late:
            node.kill()
        self._loop.wait_for_end(late, self._limits.terminate)
