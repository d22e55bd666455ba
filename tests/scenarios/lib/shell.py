# SPDX-License-Identifier: LGPL-2.1-or-later
"""One virsh that takes many commands, for where the start of a process is dear. It has no exit status: what complains has failed."""
import selectors
import subprocess
import time

import host

BEGIN, END = b"<<begin>>", b"<<end>>"
# Three lines: after a command it cannot read it drops the rest of the line. The quotes in the words: it repeats what it is told.
LINES = "echo '<<be'gin'>>'\n%s\necho '<<en'd'>>'; echo --err '<<en'd'>>'\n"
PATIENCE = 2 * host.PATIENCE


def quoted(word):
    return "'%s'" % str(word).replace("'", "'\\''")


class Shell:
    def __init__(self, argv, env, cwd):
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, cwd=cwd)
        self.prompt = b"virsh > " if "-r" in argv else b"virsh # "
        self.waiting = selectors.DefaultSelector()
        for pipe in (self.process.stdout, self.process.stderr):
            self.waiting.register(pipe, selectors.EVENT_READ)

    def run(self, args):
        """(status, output, errors) of a command."""
        self.process.stdin.write((LINES % " ".join(quoted(a) for a in args)).encode())
        self.process.stdin.flush()
        said = {self.process.stdout: b"", self.process.stderr: b""}
        until = time.monotonic() + PATIENCE
        while not all(END in text for text in said.values()):
            ready = self.waiting.select(max(until - time.monotonic(), 0))
            parts = {key.fileobj: key.fileobj.read1(1 << 16) for key, _ in ready}
            if not parts or not all(parts.values()):
                self.close()
                raise AssertionError("virsh %s: no answer after %d s, or it ended: %s" % (args, PATIENCE, said))
            for pipe, part in parts.items():
                said[pipe] += part
        errors = said[self.process.stderr].rpartition(b"error: " + END)[0]
        # between its repeating of our second and third line
        output = said[self.process.stdout].partition(BEGIN)[2].partition(b"\n")[2].rpartition(END)[0].rpartition(self.prompt)[0]
        return (1 if errors else 0), output, errors

    def close(self):
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()
