"""An RTSP camera of this machine: GStreamer's server, started as a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

__all__ = ["RtspCamera", "needs_rtsp"]

_SERVER = """
import sys
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
server = GstRtspServer.RTSPServer(address="127.0.0.1", service="0")
if len(sys.argv) > 1:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(sys.argv[1], sys.argv[2]), token)
    server.set_auth(auth)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch("( videotestsrc is-live=true pattern=ball "
                   "! video/x-raw,format=I420,width=320,height=240,framerate=25/1 "
                   "! jpegenc ! rtpjpegpay name=pay0 pt=26 )")
factory.set_shared(True)
if len(sys.argv) > 1:
    allowed = GstRtspServer.RTSPPermissions()
    for what in ("access", "construct"):
        allowed.add_permission_for_role("user", f"media.factory.{what}", True)
    factory.set_permissions(allowed)
server.get_mount_points().add_factory("/line", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
"""


def _there() -> bool:
    try:
        import gi

        gi.require_version("GstRtspServer", "1.0")
    except (ImportError, ValueError):
        return False
    return True


needs_rtsp = pytest.mark.skipif(
    not _there(),
    reason="no RTSP server (Debian: apt install gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good; genicam extra)",
)


class RtspCamera:
    """A ball that bounces at 25 pictures per second, 320 x 240; with a login where one is given."""

    def __init__(self, *login: str) -> None:
        command = [sys.executable, "-W", "ignore", "-c", _SERVER, *login]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.url = f"rtsp://127.0.0.1:{self.port}/line"

    def kill(self) -> None:
        """Take it off the network."""
        self._process.kill()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()
