#!/usr/bin/python3
"""A live RTSP camera for tests, at rtsp://127.0.0.1:PORT/cam: a ball that moves, 640x360, 15 pictures a second.

    rtsp_server.py PORT [--user NAME --password WORD] [--interlaced] [--dark] [--fps 1/2] [--key-frames-after SECONDS]

--interlaced: in fields (25 a second). --dark: a dark room with noise. --key-frames-after: no key frame in the first
seconds of each connection, as if it began in the middle of a long group of pictures.

Prints READY when it listens. Runs with the system's Python, because GStreamer's bindings are packages of the system:
python3-gi, gir1.2-gst-rtsp-server-1.0, gstreamer1.0-plugins-base, -good, -bad and -ugly (H.264 is encoded with x264).
"""

import argparse
import signal
import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

ENCODER = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15"
PAYLOADER = "video/x-h264,stream-format=avc ! rtph264pay name=pay0 pt=96 config-interval=1"
FIELDS = "interlace-mode=interleaved,field-order=top-field-first,format=I420"


def pipeline(args: argparse.Namespace) -> str:
    """GStreamer's description of the camera."""
    rate, encoder, caps = args.fps, ENCODER, ""
    source = "videotestsrc is-live=true pattern=ball"
    if args.dark:
        source = "videotestsrc is-live=true pattern=snow ! videobalance contrast=0.05"
    if args.interlaced:
        rate, encoder, caps = "25/1", f"{ENCODER} interlaced=true", f",{FIELDS}"
    return f"( {source} ! video/x-raw,width=640,height=360,framerate={rate}{caps} ! {encoder} ! {PAYLOADER} )"


def drop_key_frames(media: GstRtspServer.RTSPMedia, seconds: float) -> None:
    """Let no key frame through in the first seconds of a connection."""
    began = time.monotonic()

    def look(_: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        is_key = not info.get_buffer().has_flags(Gst.BufferFlags.DELTA_UNIT)
        drop = is_key and time.monotonic() - began < seconds
        return Gst.PadProbeReturn.DROP if drop else Gst.PadProbeReturn.OK

    pad = media.get_element().get_by_name("pay0").get_static_pad("sink")
    pad.add_probe(Gst.PadProbeType.BUFFER, look)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--interlaced", action="store_true")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--fps", default="15/1")
    parser.add_argument("--key-frames-after", type=float, default=0)
    args = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(args.port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(pipeline(args))
    factory.set_shared(True)
    factory.set_latency(0)
    if args.key_frames_after:
        factory.connect("media-configure", lambda _, media: drop_key_frames(media, args.key_frames_after))
    if args.user:
        protect(server, factory, args.user, args.password)
    server.get_mount_points().add_factory("/cam", factory)
    if server.attach(None) == 0:
        sys.exit(f"port {args.port} cannot be bound")
    loop = GLib.MainLoop()
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
    print("READY", flush=True)
    loop.run()


def protect(
    server: GstRtspServer.RTSPServer, factory: GstRtspServer.RTSPMediaFactory, user: str, password: str
) -> None:
    """Ask for this name and password (HTTP Basic) before anything is shown."""
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("user", "media.factory.access", True)
    permissions.add_permission_for_role("user", "media.factory.construct", True)
    factory.set_permissions(permissions)


if __name__ == "__main__":
    main()
