"""Every filter of virsh list."""
# SPDX-License-Identifier: LGPL-2.1-or-later
from guests import guest
from host import has, same

HOSTS = ("simulated", "real")


def run(host):
    for name in ("run", "paused", "off", "auto"):
        host.define(guest(name))
    host.virsh("start", "run")
    host.virsh("start", "paused", "--paused")
    host.virsh("autostart", "auto")
    host.virsh("create", host.file("gone.xml", guest("gone")))

    active, inactive = ["gone", "paused", "run"], ["auto", "off"]
    for options, want in (
            ([], active),
            (["--inactive"], inactive),
            (["--all"], sorted(active + inactive)),
            (["--all", "--persistent"], ["auto", "off", "paused", "run"]),
            (["--all", "--transient"], ["gone"]),
            (["--transient"], ["gone"]),
            (["--all", "--autostart"], ["auto"]),
            (["--all", "--no-autostart"], ["gone", "off", "paused", "run"]),
            (["--state-running"], ["gone", "run"]),
            (["--state-paused"], ["paused"]),
            (["--state-shutoff"], inactive),
            (["--all", "--state-paused", "--state-shutoff"], ["auto", "off", "paused"]),
            (["--state-other", "--all"], []),
            (["--all", "--with-managed-save"], []),
            (["--all", "--without-managed-save"], sorted(active + inactive)),
            (["--all", "--with-snapshot"], []),
            (["--all", "--without-snapshot"], sorted(active + inactive)),
            (["--all", "--with-checkpoint"], []),
            (["--all", "--without-checkpoint"], sorted(active + inactive)),
    ):
        same(host.guests(*options).split(), want, "list " + " ".join(options))

    # the host itself is a domain as well, as with libvirt's own Xen driver
    same(host.virsh("domid", "Domain-0"), "0", "id of the host")
    same(host.virsh("domuuid", "Domain-0"), "00000000-0000-0000-0000-000000000000", "UUID of the host")
    for command in ("destroy", "shutdown", "undefine", "autostart", "suspend"):
        host.refused(command, "Domain-0", because="the host itself")
    same(len(host.virsh("list", "--all", "--uuid").split()), 6, "UUIDs")
    same(host.guests("--all", ro=True).split(), sorted(active + inactive), "guests by the read-only socket")
    same(len(host.virsh("list", "--id").split()), 4, "ids")
    table = {line.split()[1]: line.split()[0::2] for line in host.virsh("list", "--all").splitlines()}
    same(table["off"][0], "-", "id of a guest that is off")
    assert table["run"][0].isdigit(), table
    has(host.virsh("list", "--all", "--title"), "paused", "shut off")
    host.virsh("desc", "off", "--title", "my title")
    has(host.virsh("list", "--all", "--title"), "my title")

    # ids are names too, as long as they live
    ident = host.virsh("domid", "run")
    same(host.virsh("domname", ident), "run", "name of the id")
    host.refused("domname", "4711", because="4711")
