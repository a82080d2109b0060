"""What a box says of itself: the format, what is wrong with it and what to do. No sockets, no clock; nobody's data.

| file | what is in it |
|---|---|
| `hello` | what a box tells the server each minute |
| `launched` | what the launcher writes into its run folder: its nodes and how they are |
| `told` | from the one to the other |
| `troubles` | what is wrong, in a sentence, and what to do |
| `clean` | sentences without addresses and names of users |
"""

from metrica.box.hello import CameraState, Hello, NodeState
from metrica.box.launched import STATUS_FILE, Launched, LaunchedNode, read_launched
from metrica.box.told import Machine, hello_of
from metrica.box.troubles import Trouble, troubles

__all__ = [
    "STATUS_FILE",
    "CameraState",
    "Hello",
    "Launched",
    "LaunchedNode",
    "Machine",
    "NodeState",
    "Trouble",
    "hello_of",
    "read_launched",
    "troubles",
]
