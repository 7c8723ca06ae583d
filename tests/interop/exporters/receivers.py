"""Receivers on this machine that keep what arrives, and the grammar of StatsD's lines."""

import re
import socket
import ssl
import tempfile
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme


@dataclass
class Request:
    path: str
    headers: dict
    body: bytes
    answered: int
    at: float = field(default_factory=time.monotonic)


class Http:
    scheme = "http"

    def __init__(self, fail_first=False):
        self.requests = []
        keep = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                answer = 503 if fail_first and not keep.requests else 200
                headers = {name.lower(): value for name, value in self.headers.items()}
                keep.requests.append(Request(self.path, headers, body, answer))
                self.send_response(answer)
                if answer == 503:
                    self.send_header("Retry-After", "1")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.wrap()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"{self.scheme}://localhost:{self.server.server_port}"

    def wrap(self):
        pass

    def received(self):
        return [request for request in self.requests if request.answered == 200]


class Https(Http):
    scheme = "https"

    def wrap(self):
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        with tempfile.NamedTemporaryFile(suffix=".pem", delete=False) as file:
            file.write(authority.cert_pem.bytes())
        self.ca_file = file.name


class Udp:
    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.sizes = []
        self.datagrams = []
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            datagram = self.socket.recv(65_535)
            self.sizes.append(len(datagram))
            self.datagrams.append(datagram.decode())

    def lines(self):
        return [line for datagram in list(self.datagrams) for line in datagram.split("\n")]


@dataclass
class Line:
    name: str
    value: float
    kind: str
    tags: list


PLAIN = re.compile(r"([A-Za-z0-9_.\-]+):([+-]?\d+(?:\.\d+)?)\|(c|g|ms|h|s)")
DOG = re.compile(
    r"([A-Za-z][A-Za-z0-9_.]*):([+-]?\d+(?:\.\d+)?)\|(c|g|ms|h|s|d)(?:\|@[\d.]+)?(?:\|#([^|]+))?"
)
EVENT = re.compile(r"_e\{(\d+),(\d+)\}:(.*)", re.DOTALL)


def statsd_line(line):
    match = PLAIN.fullmatch(line)
    assert match, f"no line of StatsD: {line!r}"
    return Line(match[1], float(match[2]), match[3], [])


def dogstatsd_line(line):
    if match := EVENT.fullmatch(line):
        title, text, rest = int(match[1]), int(match[2]), match[3].encode()
        assert rest[title : title + 1] == b"|", line
        parts = rest[title + 1 + text :].decode().split("|")
        assert parts[0] == "", line
        fields = {part[:2]: part[2:] for part in parts[1:] if not part.startswith("#")}
        assert fields["t:"] in ("error", "warning", "info", "success"), line
        assert fields["d:"].isdigit(), line
        tags = [part[1:] for part in parts if part.startswith("#")]
        return Line(rest[:title].decode(), 1, "event", split(tags[0] if tags else ""))
    match = DOG.fullmatch(line)
    assert match, f"no line of DogStatsD: {line!r}"
    return Line(match[1], float(match[2]), match[3], split(match[4] or ""))


def split(tags):
    return [tuple(tag.split(":", 1)) for tag in tags.split(",") if tag]
