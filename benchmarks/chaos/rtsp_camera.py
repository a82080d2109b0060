#!/usr/bin/python3
"""A live RTSP camera at rtsp://127.0.0.1:PORT/cam, of any size, rate and codec; prints READY when it listens.

    rtsp_camera.py PORT [--size 640x360] [--fps 15] [--codec h264|h265|mjpeg]

Runs with the system's Python: python3-gi, gir1.2-gst-rtsp-server-1.0, gstreamer1.0-plugins-base, -good, -bad, -ugly.
"""

import argparse
import signal
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

CODECS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max={fps} ! rtph264pay",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max={fps} ! rtph265pay",
    "mjpeg": "jpegenc ! rtpjpegpay",
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port")
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--codec", choices=CODECS, default="h264")
    args = parser.parse_args()
    width, height = args.size.split("x")
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(args.port)
    factory = GstRtspServer.RTSPMediaFactory()
    codec = CODECS[args.codec].format(fps=args.fps)
    caps = f"video/x-raw,width={width},height={height},framerate={args.fps}/1"
    config = "" if args.codec == "mjpeg" else "config-interval=1"
    factory.set_launch(f"( videotestsrc is-live=true pattern=ball ! {caps} ! {codec} name=pay0 {config} )")
    factory.set_shared(True)
    factory.set_latency(0)
    server.get_mount_points().add_factory("/cam", factory)
    if server.attach(None) == 0:
        sys.exit(f"port {args.port} cannot be bound")
    loop = GLib.MainLoop()
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
    print("READY", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
