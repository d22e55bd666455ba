"""Title, description and a program's own element: stored, live, removed."""
# SPDX-License-Identifier: LGPL-2.1-or-later
from guests import guest
from host import has, lacks, same

HOSTS = ("simulated", "real")

URI = "http://example.org/app"


def run(host):
    host.define(guest("m"))
    host.refused("metadata", "m", "--uri", URI, because="metadata not found")
    same(host.virsh("desc", "m"), "", "description")
    host.virsh("desc", "m", "--title", "short & <sweet>")
    host.virsh("desc", "m", "a longer\ntext")
    same(host.virsh("desc", "m", "--title"), "short & <sweet>", "title")
    same(host.virsh("desc", "m"), "a longer\ntext", "description")
    host.virsh("metadata", "m", "--uri", URI, "--key", "app", "--set", "<data size='3'><inner>x</inner></data>")
    has(host.virsh("metadata", "m", "--uri", URI), "<data", "<inner>x</inner>")
    has(host.virsh("dumpxml", "m"), "<app:data xmlns:app=\"%s\"" % URI, "<title>short &amp; &lt;sweet&gt;</title>")

    # live only: gone with the guest; both kinds at once
    host.virsh("start", "m")
    host.virsh("desc", "m", "--live", "--title", "for now")
    same(host.virsh("desc", "m", "--title"), "for now", "live title")
    same(host.virsh("desc", "m", "--title", "--config"), "short & <sweet>", "stored title")
    host.virsh("metadata", "m", "--uri", URI, "--remove", "--live", "--config")
    host.refused("metadata", "m", "--uri", URI, because="metadata not found")
    host.virsh("destroy", "m")
    same(host.virsh("desc", "m", "--title"), "short & <sweet>", "title")
    host.virsh("desc", "m", "--title", "--new-desc", "")
    lacks(host.virsh("dumpxml", "m"), "<title>", "example.org")

    host.refused("metadata", "m", "--uri", URI, "--key", "app", "--set", "<open>", because="")
    host.refused("desc", "m", "--title", "two\nlines", because="newline")
    host.refused("desc", "m", "--live", "x", because="not running")

    # it survives the daemon
    host.virsh("metadata", "m", "--uri", URI, "--key", "app", "--set", "<kept/>")
    host.kill9()
    host.start()
    has(host.virsh("metadata", "m", "--uri", URI), "<kept")
    same(host.virsh("desc", "m"), "a longer\ntext", "description")
