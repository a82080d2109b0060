"""Runs a command in a network of its own, and notes every address that anything in it talks to.

Run as a program inside of a new network namespace (`unshare --net`): python watched_network.py SECONDS PORT COMMAND…
The command ends some seconds after something was sent to PORT, and after SECONDS at the latest.
It prints one JSON object: the addresses and ports of every packet, and what the command wrote.

The namespace has the loopback and a pair of interfaces with a default route, behind which nobody is. So a name that is
looked up or an address that is tried leaves a packet there, as it would in a shop.
"""

from __future__ import annotations

import ipaddress
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time

_ALL, _IPV4, _IPV6, _ARP = 0x0003, 0x0800, 0x86DD, 0x0806
_NEIGHBOURS = range(133, 138)  # ICMPv6 of the kernel itself: who else is on this link
_MULTICAST_LISTENERS = 143
_AFTER = 3.0  # s


def main() -> int:
    """Set the network up, run the command for some seconds, and print what was seen."""
    seconds, awaited, command = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    for line in (
        "link set lo up",
        "link add shop type veth peer name street",
        "address add 192.168.77.2/24 dev shop",
        "link set street up",
        "link set shop up",
        "route add default dev shop",
    ):
        subprocess.run(["ip", *line.split()], check=True)
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
    listener.setblocking(False)
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    assert running.stdout is not None
    os.set_blocking(running.stdout.fileno(), False)
    waiting = selectors.DefaultSelector()
    waiting.register(listener, selectors.EVENT_READ)
    waiting.register(running.stdout, selectors.EVENT_READ)
    seen: set[tuple[str, str, int]] = set()
    said = b""
    end, asked = time.monotonic() + seconds, False
    while True:
        for key, _ in waiting.select(0.2):
            if key.fileobj is listener:
                seen |= set(filter(None, (_talked_to(*packet) for packet in _received(listener))))
            else:
                part = running.stdout.read() or b""
                said += part
        if running.poll() is not None:
            break
        if any(port == awaited for _, _, port in seen):
            end = min(end, time.monotonic() + _AFTER)
            awaited = -1
        if time.monotonic() > end and not asked:
            asked, end = True, time.monotonic() + 20
            running.send_signal(signal.SIGTERM)
        elif time.monotonic() > end:
            os.killpg(running.pid, signal.SIGKILL)
    said += running.stdout.read() or b""
    result = {"seen": sorted(seen), "said": said.decode(errors="replace"), "status": running.returncode}
    print(json.dumps(result))
    return 0


def _received(listener: socket.socket) -> list[tuple[bytes, int, str]]:
    packets: list[tuple[bytes, int, str]] = []
    while True:
        try:
            data, (interface, protocol, *_) = listener.recvfrom(65535)
        except BlockingIOError:
            return packets
        packets.append((data, protocol, interface))


def _talked_to(data: bytes, protocol: int, interface: str) -> tuple[str, str, int] | None:
    """Interface, address and port that a packet was sent to; port 0 if it has none."""
    if protocol == _ARP:
        return interface, f"asked for {socket.inet_ntoa(data[24:28])}", 0
    if protocol == _IPV4:
        start, kind, address = (data[0] & 15) * 4, data[9], socket.inet_ntoa(data[16:20])
    elif protocol == _IPV6:
        start, kind, address = 40, data[6], str(ipaddress.IPv6Address(data[24:40]))
        if kind == 0:  # a hop-by-hop header comes first: the kernel's multicast reports
            start, kind = 48, data[40]
        if kind == 58 and (data[start] in _NEIGHBOURS or data[start] == _MULTICAST_LISTENERS):
            return None
    else:
        return interface, f"protocol {protocol:#06x}", 0
    port = struct.unpack_from("!H", data, start + 2)[0] if kind in (6, 17) else 0
    return interface, address, port


if __name__ == "__main__":
    raise SystemExit(main())
