"""gridctl export and import: all settings as one document, all or nothing, tried beforehand; the definitions of libvirt's own Xen driver taken over."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import os

from guests import guest, vgpu
from host import has, same

K1 = "0000:05:00.0"
UUID = "5a3a1fe1-7a3a-4b0e-9d2e-0d6ed8a4a1c7"
NAME = "mdev_5a3a1fe1_7a3a_4b0e_9d2e_0d6ed8a4a1c7_0000_06_00_0"


def export(host):
    return json.loads(host.gridctl("export"))


def run(host):
    empty = export(host)
    same((empty["virtgrid"], empty["node_devices"]), (1, []), "of a new host")

    # set something of each kind, export, forget it, import: as it was
    host.gridctl("group", "create", "office", "--policy", "pack")
    host.gridctl("group", "move", K1, "office")
    host.gridctl("set", "quota", "3", "--group", "office")
    host.gridctl("set", "mode", "0000:07:00.0", "equal-size")
    host.gridctl("type", "disable", "GRID K140Q", "--gpu", K1)
    host.virsh("nodedev-define", host.file("dev.xml", "<device><parent>pci_0000_06_00_0</parent><capability type='mdev'>"
                                           "<type id='grid-k140q'/><uuid>%s</uuid></capability></device>" % UUID))
    host.virsh("nodedev-autostart", NAME)
    full = export(host)
    same([d["uuid"] for d in full["node_devices"]], [UUID], "node devices")
    saved = host.file("saved.json", json.dumps(full))
    nothing = host.file("empty.json", json.dumps(empty))
    host.virsh("nodedev-undefine", NAME)
    host.gridctl("import", nothing)
    same(export(host), empty, "after importing an empty one")
    has(host.gridctl("import", saved, "--dry-run"), "could be")
    same(export(host), empty, "after a dry run")
    host.gridctl("import", saved)
    same(export(host), full, "after importing the full one")
    host.stop()
    host.start()
    same(export(host), full, "after a restart")
    same(host.run("sh", "-c", "cat '%s'" % saved).out, json.dumps(full), "the file")
    host.gridctl("import", saved)  # twice is once
    same(export(host), full, "imported twice")

    # a GPU in use stays what it is to its guests; a refusal changes nothing, not even the node devices before it
    host.define(guest("desk", vgpu("GRID K160Q", "<gpu domain='0' bus='5' slot='0' function='0'/>")))
    host.virsh("start", "desk")
    for settings, because in (({}, "group"), (dict(full["settings"], gpus=[dict(g, mode="mixed-size") for g in full["settings"]["gpus"]]), "mode"),
                              (dict(full["settings"], gpus=[dict(g, disabled_types=["GRID K160Q"]) for g in full["settings"]["gpus"]]), "disabled")):
        other = json.loads(json.dumps(full).replace(UUID, UUID[:-1] + "8"))
        for options in ([], ["--dry-run"]):
            text = host.gridctl("import", host.file("bad.json", json.dumps(dict(other, settings=settings))), *options, ok=False)
            has(text, because, "desk")
        same(export(host), full, "after a refusal")
    for text, because in (("{", "JSON"), ("{}", "export"), (json.dumps({"virtgrid": 1}), "settings"),
                          (json.dumps({"virtgrid": 1, "settings": {"groups": 5}}), "groups")):
        host.gridctl("import", host.file("bad.json", text), ok=False)
    same(export(host), full, "after what is no document")
    has(host.gridctl("import", host.dir + "/none.json", ok=False), "none.json")
    has(host.gridctl("--socket", host.socket("virtxend-sock-ro"), "import", saved, ok=False), "read")
    bad = json.loads(json.dumps(full).replace(UUID, UUID[:-1] + "9"))
    bad["node_devices"].append({"uuid": UUID[:-1] + "0", "parent": "pci_0000_06_00_0", "type": "no-such", "attrs": {}})
    has(host.gridctl("import", host.file("bad.json", json.dumps(bad)), ok=False), "no-such")
    same(export(host), full, "after a node device that cannot be")

    # an order that is only tried
    host.gridctl("set", "quota", "1", "--group", "office", "--dry-run")
    has(host.gridctl("group", "move", K1, "NVIDIA GRID K1 GPUs", "--dry-run", ok=False), "desk")
    same(export(host), full, "after orders that were only tried")

    domains(host)


def domains(host):
    folder = host.dir + "/libxl"
    os.makedirs(folder + "/autostart")

    def write(name, xml):
        with open("%s/%s.xml" % (folder, name), "w", encoding="utf-8") as f:
            f.write("<!-- WARNING: THIS IS AN AUTO-GENERATED FILE. -->\n\n" + xml)
    write("a", guest("a", uuid="5a3a1fe1-7a3a-4b0e-9d2e-0d6ed8a4a1d1"))
    write("b", guest("b", uuid="5a3a1fe1-7a3a-4b0e-9d2e-0d6ed8a4a1d2"))
    write("desk", host.virsh("dumpxml", "desk", "--inactive"))
    os.symlink("../b.xml", folder + "/autostart/b.xml")
    rows = json.loads(host.gridctl("import", "domains", folder, "--dry-run", "--json"))["domains"]
    same([(r["name"], r["known"], r["autostart"]) for r in rows], [("a", False, False), ("b", False, True), ("desk", True, False)], "what would be")
    same(host.guests("--all"), "desk", "domains after a dry run")

    write("c", guest("c", vgpu("GRID X999")))
    has(host.gridctl("import", "domains", folder, ok=False), "c.xml", "GRID X999")
    same(host.guests("--all"), "desk", "domains after a refusal")
    os.unlink(folder + "/c.xml")
    table = host.gridctl("import", "domains", folder)
    has(table, "defined", "is there already")
    same(host.guests("--all"), "a b desk", "domains")
    has(host.virsh("dominfo", "b"), "Autostart:      enable")
    has(host.virsh("dominfo", "a"), "5a3a1fe1-7a3a-4b0e-9d2e-0d6ed8a4a1d1")
    host.gridctl("import", "domains", folder)
    has(host.gridctl("import", "domains", host.dir + "/nowhere", ok=False), "nowhere")
