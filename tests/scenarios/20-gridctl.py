"""gridctl: tables for people, JSON for programs, the administrator's orders, plans, exit codes, and where it finds the daemon."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import os

from guests import guest, vgpu
from host import has, lacks, program, same

LOG_ALLOWED = [r"vgpuConfig\.xml: .*it is not used"]


def run(host):
    gpus = json.loads(host.gridctl("gpus", "--json"))["gpus"]
    same(sorted({g["model"].split("NVIDIA ")[-1] for g in gpus}), ["GRID K1", "GRID K2", "Tesla T4"], "GPUs")
    table = host.gridctl("gpus").splitlines()
    same(len(table), len(gpus) + 1, "lines")
    types = {t["name"] for t in json.loads(host.gridctl("types", "--json"))["types"]}
    assert {"GRID K260Q", "GRID K140Q", "GRID T4-1Q"} <= types, types
    for name in types:
        has(host.gridctl("types"), name)
    same(host.gridctl("vgpus"), "No virtual GPU is in use.\n", "vgpus")

    def free(name):
        groups = json.loads(host.gridctl("capacity", "--json"))["groups"]
        return sum(t["available"] for g in groups for t in g["types"] if t["name"] == name)

    before = free("GRID K260Q")
    assert before > 0
    host.define(guest("desk", vgpu("GRID K260Q")))
    same(free("GRID K260Q"), before, "room after defining")
    config = json.loads(host.gridctl("config", "desk"))
    same(config["c_info"]["name"], "desk", "name in libxl's JSON")
    same(config["c_info"]["type"], "hvm", "type in libxl's JSON")
    same(free("GRID K260Q"), before, "room after asking what would be")
    host.virsh("start", "desk")
    same(free("GRID K260Q"), before - 1, "room after the start")
    has(host.gridctl("capacity"), "GRID K260Q")
    same(json.loads(host.gridctl("vgpus", "--json"))["vgpus"][0]["domain"], "desk", "owner")

    # where: option, URI, environment; the read-only socket lists too, but shows no configuration
    path = host.socket("virtgridd-sock")
    host.env.pop("VIRTGRID_SOCKET")
    for options in (["--socket", path], ["-c", "grid:///system?socket=" + path], ["-c", "xen:///system?socket=" + host.socket()],
                    ["--socket", host.socket("virtxend-sock-ro")]):
        has(host.gridctl(*options, "vgpus"), "desk")
    has(host.gridctl("--socket", host.socket("virtxend-sock-ro"), "config", "desk", ok=False), "read")
    has(host.gridctl("--socket", host.dir + "/none", "gpus", ok=False), host.dir + "/none")
    host.env["VIRTGRID_SOCKET"] = path

    # the administrator's orders: count at once, survive a restart, are refused with the reason
    host.gridctl("group", "create", "office", "--policy", "breadth-first")
    has(host.gridctl("group", "create", "office", ok=False), "already")
    host.gridctl("group", "move", "0000:08:00.0", "office")
    has(host.gridctl("groups"), "office")
    has(host.gridctl("group", "move", "0000:44:00.0", "office", ok=False), "in use by desk")
    has(host.gridctl("type", "disable", "GRID K260Q", ok=False), "desk")
    host.gridctl("type", "disable", "GRID K260Q", "--gpu", "0000:45:00.0")
    host.gridctl("set", "quota", "2", "--type", "GRID K140Q", "--group", "office")
    host.gridctl("set", "policy", "office", "pack")
    host.gridctl("quarantine", "0000:05:00.0", "Xid 79")
    has(host.gridctl("set", "mode", "0000:06:00.0", "mixed-size", ok=False), "places")
    has(host.gridctl("set", "quota", "many", "--group", "office", ok=False), "'many'")
    has(host.gridctl("--socket", host.socket("virtxend-sock-ro"), "drain", "all", ok=False), "read")
    host.define(guest("second", vgpu("GRID K280Q")))
    plan = json.loads(host.gridctl("plan", "second", "--json"))
    same(plan["possible"], True, "plan")
    same(plan["places"][0]["gpu"], "0000:45:00.0", "planned GPU")
    host.gridctl("drain", "0000:45:00.0", "upgrade")
    text = host.gridctl("plan", "second")
    for part in ("being drained: upgrade", "gridctl open 0000:45:00.0", "stop guest desk"):
        has(text, part)
    has(host.virsh("start", "second", ok=False), "being drained: upgrade")
    has(host.gridctl("capacity", "--why"), "in quarantine: Xid 79")
    same(json.loads(host.gridctl("plan", "desk", "--json"))["running"], True, "plan of what runs")
    host.stop()
    host.start()
    has(host.gridctl("gpus"), "quarantine")
    has(host.virsh("start", "second", ok=False), "being drained: upgrade")
    host.gridctl("open", "0000:45:00.0")
    host.virsh("start", "second")
    group = [g for g in json.loads(host.gridctl("capacity", "--json"))["groups"] if g["name"] == "office"][0]
    same((group["policy"], group["gpus"]), ("pack", ["0000:08:00.0"]), "group after the restart")
    same([t["available"] for t in group["types"] if t["name"] == "GRID K140Q"], [2], "room by the quota")

    # the vendor's own list of types: a damaged one is told
    host.gridctl("set", "experimental", "yes")
    has(host.gridctl("set", "experimental", "maybe", ok=False), "'maybe'")
    host.stop()
    with open(os.path.join(host.sim, "vgpuConfig.xml"), "w", encoding="utf-8") as f:
        f.write("<vgpuconfig><vgpuType id='1'")
    host.start()
    has(host.gridctl("types"), "vgpuConfig.xml: line 1: ", "it is not used, and there is no good copy of it")

    for args, code in ((["group"], 2), (["group", "create"], 2), (["gpus", "--why"], 2), (["drain", "nothing"], 1), (["gpus"], 0), (["config", "nobody"], 1), (["config"], 2), (["gpus", "extra"], 2), (["dance"], 2), ([], 2), (["--what"], 2)):
        same(host.run(program("gridctl"), *args, ok=None).code, code, "exit code of gridctl " + " ".join(args))
    has(host.gridctl("config", "nobody", ok=False), "nobody")
    has(host.gridctl("--version"), "gridctl")
    lacks(host.gridctl("--help"), "(null)")
