"""What runs nodes: a process for each node, or all nodes in one thread.

| file | what is in it |
|---|---|
| `process` | `python -m metrica.executors.process`: one node process, as the launcher starts it |
| `executor` | `Executor`: the loop of a node process |
| `inline`, `inline_topics` | `InlineGraph`: several nodes in one process and one thread |
| `schedule` | when a node's timers are due |
| `control` | commands from the launcher to a node, heartbeats from a node to the launcher |

Import from these files: the launcher needs only `control`, and `metrica-count` only `inline`, which works without
ZeroMQ.
"""
