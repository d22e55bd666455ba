/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * config.h: a domain translated for libxl. One conv_<device>.c per device kind fills its part; config.c calls them by
 * table. Pure: needs no Xen and no context, so it works in the simulated host and in tests. Any thread.
 */
#pragma once

#include <glib.h>

#include "base/pciaddr.h"
#include "model/device.h"
#include "xen/xen.h"

/* What a GPU's place means for the guest's config; what placement chose, in xen's own words. */
typedef enum {
    VG_XEN_GPU_PCI,      /* libxl_device_pci for `host`: a VF or a whole GPU */
    VG_XEN_GPU_VFIO,     /* device model arguments for the mdev or VF in `vfio_path` */
    VG_XEN_GPU_EMULATOR, /* a secondary emulator provides the device: memory hole, guest slot */
} VgXenGpuKind;

typedef struct {
    VgXenGpuKind kind;
    VgPciAddr host;        /* PCI */
    guint8 functions;      /* PCI: bits of the functions of its slot that go along; 0: only itself */
    const char *vfio_path; /* VFIO: /sys/bus/mdev/devices/<uuid> */
    guint guest_slot;      /* slot on guest bus 0, 11..28 */
    gboolean primary;      /* it is the guest's primary display: no other VGA */
    guint64 bar_kib;       /* EMULATOR, VFIO: room its BARs need below 4 GiB */
} VgXenGpu;

typedef struct {
    const VgXenHostInfo *host;
    const VgXenGpu *gpus; /* in the order of the domain's vGPU hostdevs (type vgpu or mdev) */
    gsize n_gpus;         /* one for each <hostdev> of type vgpu or mdev */
    gboolean nested_hvm;  /* the administrator lets guests with the host's CPU run guests of their own */
    const char
        *bridge; /* of networks whose bridge the domain does not say (<interface type='network'>); NULL: refused */
    const char *emulator; /* device model when the domain names none, or NULL: libxl's own */
    const char *starter;  /* called in the place of whichever device model, which it becomes; or NULL */
    const char *const *starter_args; /* its own, NULL at the end */
} VgXenBuild;

/* CONFIG_UNSUPPORTED with element and reason for what libxl cannot do. */
VgXenConfig *vg_xen_config_build(const VgDomain *dom, const VgXenBuild *build, GError **error);
/*
 * The disk, interface or host device at @pos of its list alone, for a domain that runs. Other kinds:
 * CONFIG_UNSUPPORTED.
 */
VgXenConfig *vg_xen_config_build_device(const VgDomain *dom, VgDeviceKind kind, gsize pos, const VgXenBuild *build,
                                        GError **error);
void vg_xen_config_free(VgXenConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgXenConfig, vg_xen_config_free)

/* libxl's own JSON, as `xl create --dryrun`-like tools print it. Caller frees. */
char *vg_xen_config_to_json(const VgXenConfig *config, GError **error);

/* The real libxl type lives in xen/libxl_config.h, which only xen/ and sim/ include. */
