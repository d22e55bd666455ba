/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-xen-fuzz.c: random domain records, valid or not, become a config or an error and never a crash. Run it under the
 * sanitizers too. */
#include <glib.h>
#include <string.h>

#include "xen/libxl_config.h"

#define ROUNDS 3000
#define MOST 5

static guint pick(guint n) {
    return (guint)g_test_rand_int_range(0, (gint32)n);
}

static char *text(void) {
    static const char *const pool[] = {
        NULL,
        "",
        "a",
        "hda",
        "xvda",
        "netfront",
        "e1000",
        "qemu",
        "phy",
        "tap2",
        "rbd",
        "pool/image",
        "a:b",
        "0-3,^2",
        "0-99999999999",
        "1,,2",
        "^",
        "-",
        "pni",
        "vmx",
        "sse=1,x",
        "no such feature",
        "openvswitch",
        "static",
        "qusb1",
        "/sys/bus/mdev/devices/x",
        "/a,b",
        "telnet",
        "::1",
        "%s%n",
        "\xff\xfe",
    };
    return g_strdup(pool[pick(G_N_ELEMENTS(pool))]);
}

static guint number(void) {
    static const guint pool[] = {0, 1, 2, 3, 8, 11, 28, 29, 128, 129, 255, 5900, 65535, 65536, 1u << 31, G_MAXUINT};
    return pool[pick(G_N_ELEMENTS(pool))];
}

static guint64 big(void) {
    static const guint64 pool[] = {0, 1, 1023, 1024, 524288, 1u << 30, G_MAXUINT, G_MAXINT64, G_MAXUINT64};
    return pool[pick(G_N_ELEMENTS(pool))];
}

/* A value of an enum of @last values, seldom one beyond. */
static guint value(guint last) {
    return pick(50) == 0 ? last + pick(3) : pick(last);
}

static VgTristate tristate(void) {
    return (VgTristate)value(VG_TRISTATE_LAST);
}

/* Every string and record is freed at the end of a round. */
static GPtrArray *garbage;

static char *T(void) {
    char *t = text();
    g_ptr_array_add(garbage, t);
    return t;
}

static gpointer records(gsize size, gsize *ret_n) {
    gsize n = pick(MOST);
    gpointer *list = g_new0(gpointer, n + 1);
    g_ptr_array_add(garbage, list);
    for (gsize i = 0; i < n; i++) {
        list[i] = g_malloc0(size);
        g_ptr_array_add(garbage, list[i]);
    }
    *ret_n = n;
    return list;
}

static void random_disks(VgDomain *dom) {
    dom->disks = records(sizeof(VgDisk), &dom->n_disks);
    for (gsize i = 0; i < dom->n_disks; i++) {
        VgDisk *d = dom->disks[i];
        d->type = value(VG_DISK_LAST);
        d->device = value(VG_DISK_DEVICE_LAST);
        d->format = value(VG_FORMAT_LAST);
        d->discard = value(VG_DISCARD_LAST);
        d->driver_name = T();
        d->target = T();
        d->backenddomain = T();
        d->readonly = (gboolean)pick(2);
        d->source.file = T();
        d->source.dev = T();
        d->source.name = T();
        d->source.protocol = T();
        d->source.hosts = records(sizeof(VgDiskHost), &d->source.n_hosts);
        for (gsize j = 0; j < d->source.n_hosts; j++) {
            d->source.hosts[j]->name = T();
            d->source.hosts[j]->port = T();
        }
        d->info.boot_order = pick(4);
    }
}

static void random_interfaces(VgDomain *dom) {
    dom->interfaces = records(sizeof(VgInterface), &dom->n_interfaces);
    for (gsize i = 0; i < dom->n_interfaces; i++) {
        VgInterface *n = dom->interfaces[i];
        n->type = value(VG_NET_LAST);
        n->bridge = T();
        n->script = T();
        n->model = T();
        n->virtualport = T();
        n->target = T();
        n->mtu = number();
        n->outbound.average = big();
        n->vlan = records(sizeof(VgVlanTag), &n->n_vlan);
        n->vlan_trunk = (gboolean)pick(2);
        n->ips = records(sizeof(VgNetIp), &n->n_ips);
        for (gsize j = 0; j < n->n_ips; j++)
            n->ips[j]->address = T();
    }
}

static void random_screens(VgDomain *dom) {
    dom->graphics = records(sizeof(VgGraphics), &dom->n_graphics);
    for (gsize i = 0; i < dom->n_graphics; i++) {
        VgGraphics *g = dom->graphics[i];
        g->type = value(VG_GRAPHICS_LAST);
        g->port = (int)number();
        g->tls_port = (int)number();
        g->passwd = T();
        g->keymap = T();
        g->mouse_mode = T();
        g->listens = records(sizeof(VgListen), &g->n_listens);
        for (gsize j = 0; j < g->n_listens; j++)
            g->listens[j]->address = T();
    }
    dom->videos = records(sizeof(VgVideo), &dom->n_videos);
    for (gsize i = 0; i < dom->n_videos; i++) {
        dom->videos[i]->type = value(VG_VIDEO_LAST);
        dom->videos[i]->vram = number();
    }
}

static void random_chardevs(VgChardev **list, gsize n) {
    for (gsize i = 0; i < n; i++) {
        list[i]->type = value(VG_CHR_LAST);
        list[i]->source.path = T();
        list[i]->source.host = T();
        list[i]->source.service = T();
        list[i]->udp = records(sizeof(VgChrSource), &list[i]->n_udp);
        for (gsize j = 0; j < list[i]->n_udp; j++) {
            list[i]->udp[j]->mode = value(VG_CHR_MODE_LAST);
            list[i]->udp[j]->host = T();
        }
        list[i]->protocol = T();
        list[i]->channel_target = value(VG_CHANNEL_LAST);
        list[i]->target_name = T();
    }
}

static void random_small_devices(VgDomain *dom) {
    dom->serials = records(sizeof(VgChardev), &dom->n_serials);
    random_chardevs(dom->serials, dom->n_serials);
    dom->channels = records(sizeof(VgChardev), &dom->n_channels);
    random_chardevs(dom->channels, dom->n_channels);
    dom->inputs = records(sizeof(VgInput), &dom->n_inputs);
    for (gsize i = 0; i < dom->n_inputs; i++) {
        dom->inputs[i]->type = value(VG_INPUT_LAST);
        dom->inputs[i]->bus = value(VG_INPUT_BUS_LAST);
    }
    dom->sounds = records(sizeof(VgSound), &dom->n_sounds);
    for (gsize i = 0; i < dom->n_sounds; i++)
        dom->sounds[i]->model = value(VG_SOUND_LAST);
    dom->controllers = records(sizeof(VgController), &dom->n_controllers);
    for (gsize i = 0; i < dom->n_controllers; i++) {
        dom->controllers[i]->type = value(VG_CONTROLLER_LAST);
        dom->controllers[i]->model = T();
        dom->controllers[i]->index = (int)number();
        dom->controllers[i]->ports = number();
        dom->controllers[i]->max_grant_frames = (int)number();
    }
    dom->hostdevs = records(sizeof(VgHostdev), &dom->n_hostdevs);
    for (gsize i = 0; i < dom->n_hostdevs; i++) {
        dom->hostdevs[i]->type = value(VG_HOSTDEV_LAST);
        dom->hostdevs[i]->usb.bus = number();
        dom->hostdevs[i]->usb.device = number();
    }
}

static void random_cpu(VgDomain *dom) {
    dom->cpu.mode = value(VG_CPU_MODE_LAST);
    dom->cpu.features = records(sizeof(VgCpuFeature), &dom->cpu.n_features);
    for (gsize i = 0; i < dom->cpu.n_features; i++) {
        dom->cpu.features[i]->name = T();
        dom->cpu.features[i]->policy = value(VG_POLICY_LAST);
    }
    dom->cpu.cells = records(sizeof(VgNumaCell), &dom->cpu.n_cells);
    for (gsize i = 0; i < dom->cpu.n_cells; i++) {
        dom->cpu.cells[i]->cpus = T();
        dom->cpu.cells[i]->memory = big();
        dom->cpu.cells[i]->distances = records(sizeof(VgSibling), &dom->cpu.cells[i]->n_distances);
    }
    dom->cputune.shares = big();
    dom->cputune.vcpupins = records(sizeof(VgVcpuPin), &dom->cputune.n_vcpupins);
    for (gsize i = 0; i < dom->cputune.n_vcpupins; i++) {
        dom->cputune.vcpupins[i]->vcpu = number();
        dom->cputune.vcpupins[i]->cpuset = T();
    }
}

/* Most of the time at least what every guest has is sane, or nothing else would ever be reached. */
static void random_machine(VgDomain *dom) {
    gboolean sane = pick(8) != 0;
    dom->name = sane ? "guest" : T();
    dom->memory = sane ? 524288 : big();
    dom->current_memory = sane ? 0 : big();
    dom->vcpu.max = sane ? 1 + pick(8) : number();
    dom->vcpu.current = sane ? 0 : number();
    dom->os.type = value(VG_OS_LAST);
    dom->os.kernel = T();
    dom->os.cmdline = T();
    dom->bootloader = T();
    dom->bootloader_args = T();
    dom->emulator = T();
    dom->os.firmware = value(VG_FIRMWARE_LAST);
    dom->os.boot = records(sizeof(VgBoot), &dom->os.n_boot);
    for (gsize i = 0; i < dom->os.n_boot; i++)
        dom->os.boot[i]->dev = value(VG_BOOT_LAST);
    dom->features.hap = tristate();
    dom->features.viridian = (gboolean)pick(2);
    dom->features.hyperv.present = (gboolean)pick(2);
    dom->features.hyperv.synic = tristate();
    dom->features.xen_present = (gboolean)pick(2);
    dom->features.passthrough = tristate();
    dom->features.passthrough_mode = value(VG_PASSTHROUGH_LAST);
    dom->on_crash = value(VG_ON_LAST);
    dom->clock.offset = value(pick(2) ? 2 : VG_CLOCK_LAST);
    dom->clock.adjustment = (gint64)big();
    dom->clock.timers = records(sizeof(VgTimer), &dom->clock.n_timers);
    for (gsize i = 0; i < dom->clock.n_timers; i++) {
        dom->clock.timers[i]->name = pick(4) ? VG_TIMER_TSC : value(VG_TIMER_LAST);
        dom->clock.timers[i]->mode = value(VG_TIMER_MODE_LAST);
    }
}

static void one_round(gboolean *ret_ok) {
    static const VgXenHostInfo host = {.cpus = 8, .nodes = 2};
    VgXenGpu gpus[2];
    VgDomain dom;
    g_autoptr(GError) error = NULL;
    memset(&dom, 0, sizeof dom);
    random_machine(&dom);
    /* Some kinds of devices at a time: with all of them one is always refused. */
    void (*const parts[])(VgDomain *) = {random_disks, random_interfaces, random_screens, random_small_devices,
                                         random_cpu};
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++)
        if (pick(3) == 0)
            parts[i](&dom);
    for (gsize i = 0; i < G_N_ELEMENTS(gpus); i++)
        gpus[i] = (VgXenGpu){.kind = value(3), .vfio_path = T(), .guest_slot = number(), .bar_kib = big()};
    VgXenBuild build = {.host = pick(10) ? &host : NULL, .gpus = gpus, .n_gpus = pick(4) ? 0 : pick(3)};
    g_autoptr(VgXenConfig) config = vg_xen_config_build(&dom, &build, &error);
    *ret_ok = config != NULL;
    if (config) {
        g_assert_no_error(error);
        g_autofree char *json = vg_xen_config_to_json(config, NULL);
        g_assert_nonnull(json);
    } else {
        g_assert_true(error && error->domain == VG_ERROR);
        g_assert_cmpint(error->code, !=, VG_ERR_INTERNAL_ERROR);
    }
}

static void test_random(void) {
    guint good = 0;
    for (guint i = 0; i < ROUNDS; i++) {
        gboolean ok = FALSE;
        garbage = g_ptr_array_new_with_free_func(g_free);
        one_round(&ok);
        g_ptr_array_unref(garbage);
        good += ok ? 1 : 0;
    }
    g_test_message("%u of %u random domains were possible", good, ROUNDS);
    g_assert_cmpuint(good, >, ROUNDS / 20);
    g_assert_cmpuint(good, <, ROUNDS);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/xen/config/random", test_random);
    return g_test_run();
}
