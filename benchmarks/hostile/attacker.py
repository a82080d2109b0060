"""One attack in a process of its own: `python -m benchmarks.hostile.attacker NAME BEGIN SECONDS`.

BEGIN is a monotonic time. The target comes on standard input. Attackers are `nice`, and pause between two steps: on a
machine with few cores they share them with the servers, and a real attacker would not.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator

from benchmarks.hostile import bodies, connections, requests
from benchmarks.hostile.notes import Notes
from benchmarks.hostile.target import Target

Attack = Callable[[Target, Notes, float], Iterator[None]]

ATTACKS: dict[str, tuple[Attack, float]] = {
    "gzip bombs": (bodies.gzip_bomb, 0.2),
    "backward spans": (bodies.backward_spans, 0.5),
    "full batches": (bodies.full_batches, 0.5),
    "huge values": (bodies.huge_values, 0.1),
    "injections": (bodies.injections, 0.1),
    "garbage": (bodies.garbage, 0.02),
    "wrong tokens": (requests.tokens, 0.05),
    "wrong passwords": (requests.wrong_passwords, 0.1),
    "cookies after logout": (requests.cookies_after_logout, 0.5),
    "forged updates": (requests.forged_updates, 0.05),
    "paths": (requests.paths, 0.03),
    "headers": (requests.headers, 0.03),
    "idle connections": (connections.idle_connections, 0.05),
    "slowloris": (connections.slowloris, 1.0),
    "dripping bodies": (connections.dripping_bodies, 1.0),
    "resets": (connections.resets, 0.05),
}
"""Each attack, and the pause between two of its steps, seconds."""


def main() -> None:
    name, begin, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    target = Target(**json.loads(sys.stdin.read()))
    os.nice(10)
    attack, pause = ATTACKS[name]
    notes = Notes(name)
    until = begin + seconds
    for _ in attack(target, notes, until):
        time.sleep(max(0.0, begin - time.monotonic()))
        if time.monotonic() > until:
            break
        time.sleep(pause)
    print(notes.as_json())


if __name__ == "__main__":
    main()
