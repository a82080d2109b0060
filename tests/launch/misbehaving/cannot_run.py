"""Says that it can never run: at the start, or later."""

from metrica import Node, param, timer
from metrica.errors import NodeError


class Refuser(Node):
    later: bool = param(default=False)

    def on_configure(self) -> None:
        if not self.later:
            raise NodeError("there is no file clip.mp4: check the parameter 'uri'", permanent=True)

    @timer(seconds=0.05)
    def give_up(self) -> None:
        raise NodeError("the licence has run out", permanent=True)
