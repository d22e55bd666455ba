# SPDX-License-Identifier: LGPL-2.1-or-later
"""xenstore, through its own library: its command line tools cost a process for each question."""
import ctypes

lib = None


def handle():
    global lib
    if lib is None:
        lib = ctypes.CDLL("libxenstore.so.4")
        lib.xs_open.restype = lib.xs_read.restype = ctypes.c_void_p
        lib.xs_directory.restype = ctypes.POINTER(ctypes.c_char_p)
        lib.free = ctypes.CDLL(None).free
        lib.free.argtypes = [ctypes.c_void_p]
        lib.ours = ctypes.c_void_p(lib.xs_open(ctypes.c_ulong(0)))
        assert lib.ours, "xenstore does not answer"
    return lib.ours


def read(path):
    """Its value; "" if there is none."""
    size = ctypes.c_uint()
    value = lib.xs_read(handle(), ctypes.c_uint(0), path.encode(), ctypes.byref(size)) if handle() else None
    if not value:
        return ""
    text = ctypes.string_at(value, size.value).decode("utf-8", "replace")
    lib.free(value)
    return text


def names(folder):
    """What is in a folder; nothing if there is none."""
    n = ctypes.c_uint()
    listed = lib.xs_directory(handle(), ctypes.c_uint(0), folder.encode(), ctypes.byref(n)) if handle() else None
    if not listed:
        return []
    found = [listed[i].decode("utf-8", "replace") for i in range(n.value)]
    lib.free(listed)
    return found
