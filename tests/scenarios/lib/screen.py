# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is on a guest's screen: a picture as virsh screenshot saves it, and a small VNC client (RFB 3.8, raw encoding)."""
import socket
import struct

import host


class Picture:
    def __init__(self, width, height, rgb):
        self.width, self.height, self.rgb = width, height, rgb
        host.same(len(rgb), width * height * 3, "bytes of a picture")

    def at(self, x, y):
        i = (y * self.width + x) * 3
        return tuple(self.rgb[i:i + 3])

    def lit(self):
        """How many pixels are not black."""
        return sum(1 for i in range(0, len(self.rgb), 3) if self.rgb[i:i + 3] != b"\0\0\0")

    def differs(self, other):
        """In how many pixels."""
        if (self.width, self.height) != (other.width, other.height):
            return self.width * self.height
        return sum(1 for i in range(0, len(self.rgb), 3) if self.rgb[i:i + 3] != other.rgb[i:i + 3])


def ppm(data):
    kind, size, depth, rgb = data.split(b"\n", 3)
    host.same((kind, depth), (b"P6", b"255"), "kind of picture")
    width, height = size.split()
    return Picture(int(width), int(height), rgb)


class Vnc:
    def __init__(self, port, address="127.0.0.1"):
        self.sock = socket.create_connection((address, port), host.PATIENCE)
        self.read(12)
        self.sock.sendall(b"RFB 003.008\n")
        types = self.read(self.read(1)[0])
        if 1 not in types:
            raise host.Failed("the VNC server wants a proof: %r" % types)
        self.sock.sendall(b"\x01")
        host.same(self.read(4), b"\0\0\0\0", "answer to no proof")
        self.sock.sendall(b"\x01")  # others may watch, too
        self.width, self.height = struct.unpack(">HH", self.read(4))
        self.read(16)
        self.name = self.read(struct.unpack(">I", self.read(4))[0]).decode()
        # 32 bits a pixel, little endian: blue, green, red, nothing
        self.sock.sendall(struct.pack(">BxxxBBBBHHHBBBxxx", 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        self.sock.sendall(struct.pack(">BxHi", 2, 1, 0))

    def read(self, n):
        data = b""
        while len(data) < n:
            part = self.sock.recv(n - len(data))
            if not part:
                raise host.Failed("the VNC server has hung up")
            data += part
        return data

    def picture(self):
        """The whole screen now."""
        rows = bytearray(self.width * self.height * 3)
        left = self.width * self.height
        self.sock.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, self.width, self.height))
        while left > 0:
            kind = self.read(1)[0]
            if kind != 0:
                raise host.Failed("the VNC server sends a message of kind %d" % kind)
            (n,) = struct.unpack(">xH", self.read(3))
            for _ in range(n):
                x, y, width, height, encoding = struct.unpack(">HHHHi", self.read(12))
                host.same(encoding, 0, "encoding")
                data = self.read(width * height * 4)
                for row in range(height):
                    for column in range(width):
                        i = (row * width + column) * 4
                        to = ((y + row) * self.width + x + column) * 3
                        rows[to:to + 3] = data[i + 2:i + 3] + data[i + 1:i + 2] + data[i:i + 1]
                left -= width * height
        return Picture(self.width, self.height, bytes(rows))

    def close(self):
        self.sock.close()
