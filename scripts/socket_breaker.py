#!/usr/bin/env python3
"""Tries to break performer serve from outside, by raw sockets and no library: socket_breaker.py [PROGRAM [CONNECTIONS]]

Beside each attack a client that behaves plays on. After each the table says how often it was answered and how long that took at
worst, and the memory, threads and open files of the server. It ends with an error where the server is gone, or where the good
client was not answered.
"""

import base64
import json
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "target/release/performer"
CONNECTIONS = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Server:
    def __init__(self):
        home = tempfile.mkdtemp()
        options = ["serve", "--osc", "0", "--ws", "0", "--model", "lstm", "--no-take", "--plain"]
        self.process = subprocess.Popen(
            [PROGRAM, *options],
            env=dict(os.environ, XDG_CONFIG_HOME=home, HOME=home),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        ready = next(line for line in self.process.stderr if line.startswith("READY"))
        threading.Thread(target=lambda: [None for _ in self.process.stderr], daemon=True).start()
        after = lambda mark: ready.split(mark)[1].split()[0].rstrip(",").rsplit(":", 1)
        self.osc, self.web = ((host, int(port)) for host, port in (after("OSC "), after("ws://")))

    def figures(self):
        status = open(f"/proc/{self.process.pid}/status").read()
        number = lambda name: int(status.split(name + ":")[1].split()[0])
        files = len(os.listdir(f"/proc/{self.process.pid}/fd"))
        return f"{number('VmRSS') / 1024:6.1f} MB {number('Threads'):3} threads {files:3} files"

    def connect(self):
        return socket.create_connection(self.web, timeout=10)

    def shaken(self):
        connection = self.connect()
        connection.sendall(request())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            letter = connection.recv(1)
            if not letter:
                raise OSError("closed in the handshake")
            answer += letter
        return connection


def request():
    key = base64.b64encode(os.urandom(16)).decode()
    return (f"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n").encode()


def frame(kind, data, is_last=True, is_masked=True, reserved=0, length=None):
    length = len(data) if length is None else length
    first, mask = is_last << 7 | reserved << 4 | kind, is_masked << 7
    if length < 126:
        head = bytes([first, mask | length])
    elif length < 1 << 16:
        head = bytes([first, mask | 126]) + struct.pack(">H", length)
    else:
        head = bytes([first, mask | 127]) + struct.pack(">Q", length)
    if not is_masked:
        return head + data
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[place % 4] for place, byte in enumerate(data))


def said(message):
    return frame(TEXT, json.dumps(message).encode())


class Good(threading.Thread):
    """Plays a key at a time, and asks how everything stands in case somebody else holds a higher one."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.connection, self.bytes = server.shaken(), b""
        self.count, self.worst, self.failure, self.is_over = 0, 0.0, None, False
        self.start()

    def run(self):
        key = 0
        try:
            while not self.is_over:
                key, begun = (key + 1) % 12, time.monotonic()
                self.connection.sendall(said({"note": [60 + key, 80]}) + said({"state": None}))
                while "tempo" not in self.heard().get("state", {}):
                    pass
                self.count, self.worst = self.count + 1, max(self.worst, time.monotonic() - begun)
                self.connection.sendall(said({"note": [60 + key, 0]}))
                time.sleep(0.03)
        except OSError as error:
            self.failure = error

    def exactly(self, length):
        while len(self.bytes) < length:
            more = self.connection.recv(65536)
            if not more:
                raise OSError("closed")
            self.bytes += more
        taken, self.bytes = self.bytes[:length], self.bytes[length:]
        return taken

    def heard(self):
        kind, length = self.exactly(2)
        if length >= 126:
            length = struct.unpack(">H", self.exactly(2))[0] if length == 126 else struct.unpack(">Q", self.exactly(8))[0]
        data = self.exactly(length)
        if kind & 15 == PING:
            self.connection.sendall(frame(PONG, data))
        return json.loads(data) if kind & 15 == TEXT else {}

    def figures(self):
        count, worst, self.count, self.worst = self.count, self.worst, 0, 0.0
        if self.failure or not count:
            sys.exit(f"the good client was not answered: {self.failure}")
        return f"{count:4} answered, at worst in {1000 * worst:4.0f} ms"


def pour(connection, *pieces):
    """Until it is closed, or the pieces end."""
    try:
        for piece in pieces:
            connection.sendall(piece)
    except OSError:
        pass
    connection.close()


def half_handshakes(server):
    slow = [server.connect() for _ in range(60)]
    for letter in b"GET / HTTP/1.1\r\nHost":
        for connection in slow:
            try:
                connection.sendall(bytes([letter]))
            except OSError:
                pass
        time.sleep(0.05)
    server.shaken().close()  # another one is let in
    return slow


def heads_without_end(server):
    pour(server.connect(), b"GET /", *[b"a" * 65536] * 100)
    pour(server.connect(), b"GET / HTTP/1.1\r\n", *[b"X: " + b"y" * 200 + b"\r\n"] * 50000)
    for raw in [b"\x00" * 100, b"\x16\x03\x01" + os.urandom(300), b"POST / HTTP/1.1\r\n\r\n", b"\n" * 5000]:
        pour(server.connect(), raw)


def huge_frames(server):
    for length in [1 << 20, 1 << 31, 1 << 63, (1 << 64) - 1]:
        pour(server.shaken(), frame(TEXT, b"x" * 100, length=length))
    for _ in range(20):
        pour(server.shaken(), frame(TEXT, b"x" * 1000000), frame(TEXT, b"x" * 1100000))


def fragments(server):
    pour(server.shaken(), frame(TEXT, b"x", is_last=False), *[frame(0, b"x" * 60000, is_last=False)] * 100)
    pour(server.shaken(), frame(TEXT, b"{", is_last=False), *[frame(0, b"", is_last=False) * 1000] * 300)


def wrong_frames(server):
    for raw in [
            frame(TEXT, b"{}", is_masked=False), frame(TEXT, b"{}", reserved=7), frame(5, b"{}"), frame(13, b"x"),
            frame(PING, b"x" * 200), frame(PING, b"x", is_last=False), frame(0, b"x"), frame(TEXT, b"\xff\xfe"),
            frame(TEXT, b"x", is_last=False) + frame(TEXT, b"y"), frame(CLOSE, b"\x00"), frame(CLOSE, b"\x00\x01"),
            frame(BINARY, os.urandom(3000))]:
        pour(server.shaken(), raw)


def texts(server):
    for text in ["[" * 4096, '{"a":' * 800, '{"note": [NaN, 80]}', '{"note": [1e999, 80]}', '{"note": [-1, 80]}', '{"note": []}',
                 '{"midi": [240, 1, 2, 247]}', '{"control": ["tempo", 1e308]}', '{"control": ["\\u0000", 1]}', "null", "\u202e" * 900]:
        pour(server.shaken(), *[frame(TEXT, text.encode())] * 100)


def floods(server):
    pour(server.shaken(), *[frame(PING, b"x" * 125) * 50] * 200)
    pour(server.shaken(), *[said({"note": [key % 128, 80 * (key // 128 % 2)]}) * 10 for key in range(2000)])


def deaf(server):
    listeners = [server.shaken() for _ in range(5)]
    for _ in range(500):
        listeners[0].sendall(said({"state": None}))
    time.sleep(2)
    return listeners


def resets(server):
    for _ in range(100):
        connection = server.shaken()
        connection.sendall(said({"note": [64, 80]}))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def in_turn(server):
    for number in range(CONNECTIONS):
        connection = server.connect()
        if number % 4 == 0:
            connection.sendall(request())
            connection.recv(10)
        elif number % 4 == 1:
            connection.sendall(b"x")
        connection.close()


def osc(server):
    program = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    text = lambda words: words.encode() + b"\0" * (4 - len(words) % 4)
    deep = text("/note") + text(",ii") + struct.pack(">ii", 60, 1)
    for _ in range(60):
        deep = text("#bundle") + bytes(8) + struct.pack(">i", len(deep)) + deep
    packets = [
        deep[:2048], text("#bundle") + bytes(8) + b"\xff" * 24, text("/note") + text("," + "i" * 400),
        text("/note") + text(",b") + b"\x7f\xff\xff\xff", text("/note") + text(",ff") + struct.pack(">ff", float("nan"), float("inf")),
        b"/" + b"x" * 3000, b"", text("/hello") + text(",i") + struct.pack(">i", random.randint(1024, 65535))]
    for _ in range(500):
        for packet in [*packets, os.urandom(random.randint(0, 300))]:
            program.sendto(packet, server.osc)
    for _ in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as passer:
            passer.sendto(text("/hello") + text(","), server.osc)
    time.sleep(0.5)
    server.shaken().close()


def main():
    random.seed(20)
    server = Server()
    good = Good(server)
    time.sleep(1)
    print(f"{'':18} {server.figures()}  {good.figures()}")
    attacks = [half_handshakes, heads_without_end, huge_frames, fragments, wrong_frames, texts, floods, deaf, resets, in_turn, in_turn, osc]
    for attack in attacks:
        left = attack(server)
        time.sleep(0.5)
        print(f"{attack.__name__:18} {server.figures()}  {good.figures()}", flush=True)
        for connection in left or []:
            connection.close()
    good.is_over = True
    good.join()
    server.process.stdin.write("q\n")
    server.process.stdin.flush()
    sys.exit(server.process.wait(20))


main()
