"""One attack in a process of its own: `python -m benchmarks.hostile.attacker NAME NICE`.

Standard input: a line with the target; when the attack is prepared it prints READY, and reads when to begin and when to
end (monotonic seconds). Attackers are `nice`, and pause between two steps: on a machine with few cores they share them
with the servers, and a real attacker would not.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator

from benchmarks.hostile import bodies, connections, requests, wire
from benchmarks.hostile.notes import Notes
from benchmarks.hostile.target import Target, Until

Attack = Callable[[Target, Notes, Until], Iterator[None]]

ATTACKS: dict[str, tuple[Attack, float]] = {
    "gzip bombs": (bodies.gzip_bomb, 0.3),
    "backward spans": (bodies.backward_spans, 1.0),
    "full batches": (bodies.full_batches, 1.0),
    "huge values": (bodies.huge_values, 0.3),
    "injections": (bodies.injections, 0.3),
    "garbage": (bodies.garbage, 0.1),
    "wrong tokens": (requests.tokens, 0.4),
    "wrong passwords": (requests.wrong_passwords, 0.2),
    "cookies after logout": (requests.cookies_after_logout, 1.0),
    "forged updates": (requests.forged_updates, 0.2),
    "paths": (requests.paths, 0.1),
    "headers": (requests.headers, 0.1),
    "idle connections": (connections.idle_connections, 0.1),
    "slowloris": (connections.slowloris, 1.0),
    "dripping bodies": (connections.dripping_bodies, 1.0),
    "resets": (connections.resets, 0.1),
}
"""Each attack, and the pause between two of its steps, seconds."""


def main() -> None:
    attack, pause = ATTACKS[sys.argv[1]]
    wire.home = f"127.0.0.{20 + list(ATTACKS).index(sys.argv[1])}"
    target = Target(**json.loads(sys.stdin.readline()))
    os.nice(int(sys.argv[2]))
    notes, time_left = Notes(sys.argv[1]), Until()
    steps = attack(target, notes, time_left)
    next(steps)
    print("READY", flush=True)
    begin, end = map(float, sys.stdin.readline().split())
    time.sleep(max(0.0, begin - time.monotonic()))
    time_left.end = end
    for _ in steps:
        if not time_left:
            break
        time.sleep(pause)
    print(notes.as_json())


if __name__ == "__main__":
    main()
