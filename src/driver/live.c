/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* live.c: from a definition to what GPU engine and Xen want to know, and back into the live definition: what the guest
 * was given. */
#include "driver/mdevs.h"
#include "driver/run.h"
#include "driver/state.h"
#include "model/cpuset.h"

#include <string.h>

void vg_requests_free(VgVgpuRequest *requests, gsize n) {
    for (gsize i = 0; i < n; i++) {
        g_free((gpointer)requests[i].params);
        g_free((gpointer)requests[i].affinities);
    }
    g_free(requests);
}

static const char **params_of(const VgHostdevVgpu *vgpu) {
    if (!vgpu->n_params)
        return NULL;
    const char **params = g_new0(const char *, vgpu->n_params * 2 + 1);
    for (gsize i = 0; i < vgpu->n_params; i++) {
        params[i * 2] = vgpu->params[i]->name;
        params[i * 2 + 1] = vgpu->params[i]->value;
    }
    return params;
}

static const VgAffinity *affinities_of(const VgHostdevVgpu *vgpu) {
    VgAffinity *affinities = vgpu->n_affinities ? g_new0(VgAffinity, vgpu->n_affinities) : NULL;
    for (gsize i = 0; i < vgpu->n_affinities; i++)
        affinities[i] = (VgAffinity){.name = vgpu->affinities[i]->name,
                                     .apart = vgpu->affinities[i]->type == VG_AFFINITY_APART,
                                     .preferred = vgpu->affinities[i]->strength == VG_STRENGTH_PREFERRED};
    return affinities;
}

/* The one node of all CPUs of @cpuset, or VG_XEN_NO_NODE. */
static guint32 node_of_cpus(const VgXenHostInfo *host, const char *cpuset) {
    guint8 cpus[VG_CPUSET_MAX / 8];
    guint32 node = VG_XEN_NO_NODE;
    if (!cpuset || !vg_cpuset_parse(cpuset, cpus))
        return VG_XEN_NO_NODE;
    for (guint i = 0; i < MIN(host->cpus, VG_CPUSET_MAX); i++) {
        if (!(cpus[i / 8] >> (i % 8) & 1))
            continue;
        if (host->cpu_node[i] == VG_XEN_NO_NODE || (node != VG_XEN_NO_NODE && node != host->cpu_node[i]))
            return VG_XEN_NO_NODE;
        node = host->cpu_node[i];
    }
    return node;
}

/*
 * Where the guest's memory will be: Xen takes it from the nodes that its vcpus may run on, so it is known if all of
 * them are pinned to one.
 */
static guint32 node_of(const VgXenHostInfo *host, const VgDomain *def) {
    guint32 node = VG_XEN_NO_NODE;
    g_autofree gboolean *pinned = g_new0(gboolean, def->vcpu.max + 1);
    guint n = 0;
    for (gsize i = 0; host->cpu_node && i < def->cputune.n_vcpupins; i++) {
        const VgVcpuPin *pin = def->cputune.vcpupins[i];
        if (pin->vcpu >= def->vcpu.max)
            continue;
        guint32 here = node_of_cpus(host, pin->cpuset);
        if (here == VG_XEN_NO_NODE || (node != VG_XEN_NO_NODE && node != here))
            return VG_XEN_NO_NODE;
        node = here;
        n += pinned[pin->vcpu] ? 0 : 1;
        pinned[pin->vcpu] = TRUE;
    }
    return n == def->vcpu.max ? node : VG_XEN_NO_NODE;
}

VgVgpuRequest *vg_requests_of(const VgXenHostInfo *host, const VgDomain *def, gsize *ret_n) {
    VgVgpuRequest *requests = g_new0(VgVgpuRequest, def->n_hostdevs + 1);
    guint32 node = node_of(host, def);
    const VgPciAddr nowhere = {0};
    gsize n = 0;
    for (gsize i = 0; i < def->n_hostdevs; i++) {
        const VgHostdev *dev = def->hostdevs[i];
        if (dev->type != VG_HOSTDEV_VGPU)
            continue;
        requests[n++] = (VgVgpuRequest){
            .vgpu = dev->vgpu.uuid,
            .type_name = dev->vgpu.type_name,
            .type_id = dev->vgpu.type_id,
            .group = dev->vgpu.group,
            .pinned = dev->vgpu.has_gpu && vg_pciaddr_compare(&dev->vgpu.gpu, &nowhere) != 0,
            .gpu = dev->vgpu.gpu,
            .gpu_identity = dev->vgpu.has_gpu ? dev->vgpu.gpu_identity : NULL,
            .has_node = node != VG_XEN_NO_NODE,
            .node = node,
            .params = params_of(&dev->vgpu),
            .affinities = affinities_of(&dev->vgpu),
            .n_affinities = (guint)dev->vgpu.n_affinities,
            .guest_slot = dev->info.address.pci.slot,
            .primary = dev->vgpu.display == VG_TRISTATE_YES,
        };
    }
    *ret_n = n;
    return requests;
}

static VgXenGpu gpu_of(const VgPlace *place) {
    static const VgXenGpuKind kinds[VG_BACKEND_LAST] = {
        [VG_BACKEND_EMULATOR] = VG_XEN_GPU_EMULATOR, [VG_BACKEND_MDEV] = VG_XEN_GPU_VFIO,
        [VG_BACKEND_SRIOV] = VG_XEN_GPU_PCI,         [VG_BACKEND_PASSTHROUGH] = VG_XEN_GPU_PCI,
        [VG_BACKEND_VFIO] = VG_XEN_GPU_VFIO,         [VG_BACKEND_SOFT] = VG_XEN_GPU_EMULATOR,
    };
    return (VgXenGpu){
        .kind = kinds[place->backend],
        .host = place->has_vf ? place->vf : place->gpu,
        .functions = place->backend == VG_BACKEND_PASSTHROUGH ? place->functions : 0,
        .vfio_path = place->vfio_path,
        .bar_kib = place->bar_kib,
    };
}

/* Where the guest sees a device that it has borrowed. */
static const VgHostdev *hostdev_of(const VgDomain *def, const VgUuid *mdev) {
    for (gsize i = 0; i < def->n_hostdevs; i++)
        if (def->hostdevs[i]->type == VG_HOSTDEV_MDEV && vg_uuid_equal(&def->hostdevs[i]->mdev.uuid, mdev))
            return def->hostdevs[i];
    return NULL;
}

VgXenGpu *vg_xen_gpus_of(const VgDomain *def, const VgVgpuRequest *requests, const VgPlace *places, gsize n,
                         const GPtrArray *lent, gsize *ret_n) {
    gsize n_one = 0;
    *ret_n = n + (lent ? lent->len : 0);
    VgXenGpu *gpus = g_new0(VgXenGpu, *ret_n + 1);
    for (gsize i = 0; i < n; i++) {
        gpus[i] = gpu_of(&places[i]);
        gpus[i].guest_slot = requests[i].guest_slot;
        gpus[i].primary = requests[i].primary;
    }
    for (gsize i = n; i < *ret_n; i++) {
        const VgMdev *mdev = lent->pdata[i - n];
        const VgHostdev *dev = hostdev_of(def, &mdev->uuid);
        gpus[i] = gpu_of(vg_claim_places(mdev->claim, &n_one));
        gpus[i].guest_slot = dev ? dev->info.address.pci.slot : 0;
        gpus[i].primary = dev && dev->mdev.display == VG_TRISTATE_YES;
    }
    return gpus;
}

const char *vg_xen_emulator_of(const VgDriverState *hub, const VgXenGpu *gpus, gsize n) {
    for (gsize i = 0; i < n; i++)
        if (gpus[i].kind == VG_XEN_GPU_VFIO)
            return hub->vfio_model;
    return NULL;
}

static void set_text(char **place, const char *text) {
    g_free(*place);
    *place = g_strdup(text);
}

static const char *const alias_kinds[VG_DEVICE_LAST] = {
    [VG_DEVICE_DISK] = "disk", [VG_DEVICE_INTERFACE] = "net", [VG_DEVICE_HOSTDEV] = "hostdev"};

/* An alias of the user's own ("ua-...") stays. */
static void set_alias(VgDeviceInfo *info, const char *kind, gsize i) {
    if (info->alias && g_str_has_prefix(info->alias, "ua-"))
        return;
    g_free(info->alias);
    info->alias = g_strdup_printf("%s%" G_GSIZE_FORMAT, kind, i);
}

void vg_live_bind(VgHostdev *dev, const VgPlace *place) {
    VgVgpuBound *bound = &dev->vgpu.bound;
    g_free(bound->backend);
    *bound = (VgVgpuBound){
        .present = TRUE,
        .backend = g_strdup(place->backend_name),
        .gpu = place->gpu,
        .has_vf = place->has_vf,
        .vf = place->vf,
        .has_mdev = place->backend == VG_BACKEND_MDEV,
        .mdev = place->vgpu,
    };
}

static void fill_vgpus(VgRun *run) {
    gsize n = 0, at = 0;
    g_autofree VgPlace *places = vg_held_places(run, &n);
    for (gsize i = 0; i < run->def->n_hostdevs; i++) {
        VgHostdev *dev = run->def->hostdevs[i];
        set_alias(&dev->info, alias_kinds[VG_DEVICE_HOSTDEV], i);
        if (dev->type == VG_HOSTDEV_VGPU && at < n)
            vg_live_bind(dev, &places[at++]);
    }
}

/* An HVM guest's first console is its first serial port. */
static gboolean is_same(const VgDomain *def) {
    return vg_domain_is_hvm(def) && def->n_serials && def->n_consoles;
}

void vg_live_terminal(VgDomain *def, const VgTerminal *which, const char *path) {
    gsize n = which->number;
    if (which->serial && n < def->n_serials)
        set_text(&def->serials[n]->source.path, path);
    if (!which->serial && n < def->n_consoles)
        set_text(&def->consoles[n]->source.path, path);
    if (which->serial && n == 0 && is_same(def))
        set_text(&def->consoles[0]->source.path, path);
}

static void fill_terminal(VgRun *run, const VgChardev *chr, VgTerminal which) {
    if (chr->type != VG_CHR_PTY)
        return;
    g_autofree char *path = run->hub->xen->ops->console_path(run->hub->xen, run->domid, which.number);
    vg_live_terminal(run->def, &which, path);
}

void vg_live_fill_terminals(VgRun *run) {
    VgDomain *def = run->def;
    for (gsize i = 0; i < def->n_serials; i++)
        fill_terminal(run, def->serials[i], (VgTerminal){.serial = TRUE, .number = (guint)i});
    for (gsize i = is_same(def) ? 1 : 0; i < def->n_consoles; i++)
        fill_terminal(run, def->consoles[i], (VgTerminal){.number = (guint)i});
}

static void fill_char_devices(VgRun *run) {
    VgDomain *def = run->def;
    for (gsize i = 0; i < def->n_serials; i++)
        set_alias(&def->serials[i]->info, "serial", i);
    for (gsize i = 0; i < def->n_consoles; i++)
        set_alias(&def->consoles[i]->info, i == 0 && is_same(def) ? "serial" : "console", i);
    for (gsize i = 0; i < def->n_channels; i++)
        set_alias(&def->channels[i]->info, "channel", i);
    vg_live_fill_terminals(run);
}

void vg_live_name_vif(const VgRun *run, VgInterface *net, int devid) {
    if (net->target && !g_str_has_prefix(net->target, "vif"))
        return;
    g_free(net->target);
    net->target = g_strdup_printf("vif%u.%d%s", run->domid, devid, vg_domain_is_hvm(run->def) ? "-emu" : "");
}

static void fill_interfaces(VgRun *run) {
    int devid = 0;
    for (gsize i = 0; i < run->def->n_interfaces; i++) {
        VgInterface *net = run->def->interfaces[i];
        set_alias(&net->info, alias_kinds[VG_DEVICE_INTERFACE], i);
        if (net->type != VG_NET_HOSTDEV)
            vg_live_name_vif(run, net, devid++);
    }
}

void vg_live_alias(const VgDomain *def, VgDeviceKind kind, VgDeviceInfo *info) {
    VgDeviceKind other;
    gsize i = 0;
    g_autofree char *alias = NULL;
    do {
        g_free(alias);
        alias = g_strdup_printf("%s%" G_GSIZE_FORMAT, alias_kinds[kind], i++);
    } while (vg_domain_find_alias(def, alias, &other) >= 0);
    set_alias(info, alias_kinds[kind], i - 1);
}

/* Where it listens, said to clients as it is. */
static void fill_graphics(VgDomain *def) {
    for (gsize i = 0; i < def->n_graphics; i++) {
        VgGraphics *screen = def->graphics[i];
        if (screen->n_listens == 0 || screen->listens[0]->type == VG_LISTEN_SOCKET || screen->listens[0]->address)
            continue;
        set_text(&screen->listens[0]->address, "127.0.0.1");
        set_text(&screen->listen, "127.0.0.1");
    }
}

void vg_live_fill(VgRun *run) {
    VgDomain *def = run->def;
    def->id = (int)run->domid;
    for (gsize i = 0; i < def->n_disks; i++)
        set_alias(&def->disks[i]->info, alias_kinds[VG_DEVICE_DISK], i);
    fill_vgpus(run);
    fill_char_devices(run);
    fill_interfaces(run);
    fill_graphics(run->def);
}

gboolean vg_run_write_status_of(const VgRun *run, const VgDomain *def, const char *device, gboolean medium,
                                GError **error) {
    g_autofree char *xml = vg_domain_format(def, VG_XML_SECURE);
    VgStatus status = {
        .uuid = run->def->uuid,
        .name = run->def->name,
        .boot = run->hub->boot_id,
        .token = (char *)run->token,
        .recorded = TRUE,
        .paused = run->paused,
        .domid = (int)run->domid,
        .xml = xml,
        .device = (char *)device,
        .pcidevs = run->pcidevs,
        .saving = run->saving,
        .image = run->image,
        .medium = medium,
    };
    return vg_status_write(run->hub->statusdir, &status, error);
}

gboolean vg_run_write_status(VgRun *run, GError **error) {
    return vg_run_write_status_of(run, run->def, NULL, FALSE, error);
}
