/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domcaps.c: writes <domainCapabilities>. What a machine type may have is one row; the lists are one table.
 */
#include "config.h"

#include "model/domcaps.h"

#include <string.h>

#include "base/i18n.h"
#include "model/out.h"

static const struct {
    const char *name;
    guint max_vcpus; /* Xen's own: HVM_MAX_VCPUS of its interface; PV and PVH have none, this is what libvirt says */
    gboolean loader, hostdev, vgpu;
} machines[] = {
    {"xenpv", 512, FALSE, TRUE, FALSE},
    {"xenfv", 128, TRUE, TRUE, TRUE},
    {"xenpvh", 512, FALSE, FALSE, FALSE},
};

static const char *const domains[] = {"xen", "qemu", "kvm", NULL}; /* clouds that know no "xen" ask as the others */
static const char *const archs[] = {"x86_64", "i686", NULL};

static const char *const no_values[] = {NULL};
static const char *const loader_types[] = {"rom", "pflash", NULL};
static const char *const yes[] = {"yes", NULL};
static const char *const disk_devices[] = {"disk", "cdrom", NULL};
static const char *const disk_buses[] = {"ide", "scsi", "xen", NULL};
static const char *const graphics_types[] = {"sdl", "vnc", "spice", NULL};
static const char *const video_models[] = {"vga", "cirrus", "xen", NULL};
static const char *const hostdev_modes[] = {"subsystem", NULL};
static const char *const startup_policies[] = {"default", "mandatory", "requisite", "optional", NULL};
static const char *const hostdev_types[] = {"usb", "pci", NULL};
static const char *const hostdev_types_vgpu[] = {"usb", "pci", "mdev", "vgpu", NULL};
static const char *const pci_backends[] = {"xen", NULL};

static const char *const cpu_modes[] = {"host-passthrough", "maximum", "host-model", "custom"};
static const char *const absent_features[] = {"gic", "vmcoreinfo", "genid", "sev", "sgx"};

typedef struct {
    const char *name;
    const char *const *values;
} Enum;

static void write_enum(VgOut *out, const char *name, const char *const *values) {
    vg_out_open(out, "enum");
    vg_out_attr(out, "name", name);
    for (; *values; values++)
        vg_out_leaf(out, "value", *values);
    vg_out_close(out, "enum");
}

/* <name supported='yes'> with its lists; the last row has no name. */
static void write_group(VgOut *out, const char *name, const Enum *enums) {
    vg_out_open(out, name);
    vg_out_attr(out, "supported", "yes");
    for (; enums->name; enums++)
        write_enum(out, enums->name, enums->values);
    vg_out_close(out, name);
}

static void write_absent(VgOut *out, const char *name) {
    vg_out_open(out, name);
    vg_out_attr(out, "supported", "no");
    vg_out_close(out, name);
}

static void write_os(VgOut *out, const VgDomcapsInfo *info, gboolean loader) {
    vg_out_open(out, "os");
    vg_out_attr(out, "supported", "yes");
    if (loader) {
        vg_out_open(out, "loader");
        vg_out_attr(out, "supported", "yes");
        for (const char *const *path = info->firmwares; path && *path; path++)
            vg_out_leaf(out, "value", *path);
        write_enum(out, "type", loader_types);
        write_enum(out, "readonly", yes);
        vg_out_close(out, "loader");
    } else {
        write_absent(out, "loader");
    }
    vg_out_close(out, "os");
}

static void write_cpu(VgOut *out) {
    vg_out_open(out, "cpu");
    for (gsize i = 0; i < G_N_ELEMENTS(cpu_modes); i++) {
        vg_out_open(out, "mode");
        vg_out_attr(out, "name", cpu_modes[i]);
        vg_out_attr(out, "supported", "no");
        vg_out_close(out, "mode");
    }
    vg_out_close(out, "cpu");
}

static void write_devices(VgOut *out, gboolean hostdev, gboolean vgpu) {
    vg_out_open(out, "devices");
    write_group(out, "disk",
                (const Enum[]){{"diskDevice", disk_devices}, {"bus", disk_buses}, {"model", no_values}, {0}});
    write_group(out, "graphics", (const Enum[]){{"type", graphics_types}, {0}});
    write_group(out, "video", (const Enum[]){{"modelType", video_models}, {0}});
    if (hostdev)
        write_group(out, "hostdev",
                    (const Enum[]){{"mode", hostdev_modes},
                                   {"startupPolicy", startup_policies},
                                   {"subsysType", vgpu ? hostdev_types_vgpu : hostdev_types},
                                   {"capsType", no_values},
                                   {"pciBackend", pci_backends},
                                   {0}});
    vg_out_close(out, "devices");
}

static gssize find_machine(const char *name, GError **error) {
    for (gsize i = 0; i < G_N_ELEMENTS(machines); i++)
        if (!name || strcmp(machines[i].name, name) == 0)
            return (gssize)i;
    vg_set_error(error, VG_ERR_INVALID_ARG, _("Xen has no machine type '%s', only xenpv, xenfv and xenpvh"), name);
    return -1;
}

char *vg_domcaps_format(const VgDomcapsInfo *info, GError **error) {
    const char *domain = info->domain ? info->domain : domains[0];
    const char *arch = info->arch ? info->arch : archs[0];
    if (!g_strv_contains(domains, domain)) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("Xen runs no guests of virtualisation type '%s'"), domain);
        return NULL;
    }
    if (!g_strv_contains(archs, arch)) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("this host runs no guests of architecture '%s'"), arch);
        return NULL;
    }
    gssize machine = find_machine(info->machine, error);
    if (machine < 0)
        return NULL;

    VgOut out = {.text = g_string_sized_new(2048)};
    vg_out_open(&out, "domainCapabilities");
    vg_out_leaf(&out, "path", info->emulator ? info->emulator : "/usr/bin/qemu-system-x86_64");
    vg_out_leaf(&out, "domain", domain);
    vg_out_leaf(&out, "machine", machines[machine].name);
    vg_out_leaf(&out, "arch", arch);
    vg_out_open(&out, "vcpu");
    vg_out_attrf(&out, "max", "%u", info->max_vcpus ? info->max_vcpus : machines[machine].max_vcpus);
    vg_out_close(&out, "vcpu");
    write_absent(&out, "iothreads");
    write_os(&out, info, machines[machine].loader);
    write_cpu(&out);
    write_devices(&out, machines[machine].hostdev, info->vgpu && machines[machine].vgpu);
    vg_out_open(&out, "features");
    for (gsize i = 0; i < G_N_ELEMENTS(absent_features); i++)
        write_absent(&out, absent_features[i]);
    vg_out_close(&out, "features");
    vg_out_close(&out, "domainCapabilities");
    return g_string_free(out.text, FALSE);
}
