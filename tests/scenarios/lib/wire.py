# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client that speaks bytes: libvirt's RPC for what no real client sends. Words are big endian; a message is length, header, payload."""
import socket
import struct

REMOTE, KEEPALIVE, GRID = 0x20008086, 0x6B656570, 0x20677264
CALL, REPLY, EVENT = 0, 1, 2
OK, ERROR = 0, 1
HEADER = 28
MAX = 32 * 1024 * 1024 + 4

CONNECT_OPEN, GET_TYPE, GET_VERSION, GET_XML, FEATURE, AUTH_LIST = 1, 3, 4, 14, 60, 66
EVENT_REGISTER = 316


def string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack(">I", len(data)) + data + b"\0" * (-len(data) % 4)


def message(procedure, payload=b"", serial=1, program=REMOTE, version=1, kind=CALL, status=OK):
    return struct.pack(">IIIiIII", HEADER + len(payload), program, version, procedure, kind, serial, status) + payload


class Reply:
    def __init__(self, data):
        (self.length, self.program, self.version, self.procedure, self.kind, self.serial, self.status) = struct.unpack(">IIIiIII", data[:HEADER])
        self.payload = data[HEADER:]

    def error(self):
        """(code, message) of an error reply."""
        code, _domain, has_text = struct.unpack(">iiI", self.payload[:12])
        if not has_text:
            return code, ""
        (n,) = struct.unpack(">I", self.payload[12:16])
        return code, self.payload[16:16 + n].decode("utf-8", "replace")


class Connection:
    def __init__(self, path, patience):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(patience)
        self.sock.connect(path)
        self.serial = 0

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def receive(self):
        """The next message, or None when the other side has closed."""
        head = self._read(4)
        if head is None:
            return None
        (length,) = struct.unpack(">I", head)
        rest = self._read(length - 4)
        return Reply(head + rest) if rest is not None else None

    def _read(self, n):
        data = b""
        while len(data) < n:
            try:
                part = self.sock.recv(min(n - len(data), 1 << 20))
            except (ConnectionResetError, BrokenPipeError):
                return None
            if not part:
                return None
            data += part
        return data

    def call(self, procedure, payload=b"", **more):
        """Sends a call and returns its reply; what else comes is dropped."""
        self.serial += 1
        self.send(message(procedure, payload, serial=self.serial, **more))
        while True:
            reply = self.receive()
            if reply is None or (reply.kind == REPLY and reply.serial == self.serial):
                return reply

    def open(self, name="xen:///system", flags=0):
        self.call(AUTH_LIST)
        return self.call(CONNECT_OPEN, struct.pack(">I", 1) + string(name) + struct.pack(">I", flags))

    def closed(self):
        """Is the connection ended by the other side (after reading what was left)?"""
        while True:
            try:
                if not self.sock.recv(1 << 20):
                    return True
            except (ConnectionResetError, BrokenPipeError):
                return True
            except socket.timeout:
                return False
