# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is on a guest's screen: a picture as virsh screenshot saves it, and a small VNC client (RFB 3.8, raw encoding)."""
import array
import collections
import operator
import socket
import struct

import host


class Picture:
    """@pixels: of each blue, green, red and a byte that does not matter, as VNC sends them. No loop over pixels: a real host is an emulated one."""

    def __init__(self, width, height, pixels):
        host.same(len(pixels), width * height * 4, "bytes of a picture")
        self.width, self.height, self.pixels = width, height, bytearray(pixels)
        self.pixels[3::4] = bytes(width * height)
        self.words = array.array("I", bytes(self.pixels))

    def at(self, x, y):
        blue, green, red = self.pixels[(y * self.width + x) * 4:][:3]
        return red, green, blue

    def lit(self):
        """How many pixels are not black."""
        return len(self.words) - self.words.count(0)

    def differs(self, other):
        """In how many pixels."""
        if (self.width, self.height) != (other.width, other.height):
            return max(len(self.words), len(other.words))
        return sum(map(operator.ne, self.words, other.words))

    def __str__(self):
        most = collections.Counter(self.words).most_common(4)
        return "%dx%d, %d lit: %s" % (self.width, self.height, self.lit(), ", ".join("%d of #%06x" % (n, word) for word, n in most))


def ppm(data):
    kind, size, depth, rgb = data.split(b"\n", 3)
    host.same((kind, depth), (b"P6", b"255"), "kind of picture")
    width, height = map(int, size.split())
    host.same(len(rgb), width * height * 3, "bytes of a picture")
    pixels = bytearray(width * height * 4)
    for channel in range(3):
        pixels[channel::4] = rgb[2 - channel::3]
    return Picture(width, height, pixels)


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
        pixels = bytearray(self.width * self.height * 4)
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
                    to = ((y + row) * self.width + x) * 4
                    pixels[to:to + width * 4] = data[row * width * 4:(row + 1) * width * 4]
                left -= width * height
        return Picture(self.width, self.height, pixels)

    def close(self):
        self.sock.close()
