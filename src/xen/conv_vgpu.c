/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conv_vgpu.c: what a virtual GPU's place means for libxl: a PCI device, arguments for the device model, or room for a
 * second emulator's device. */
#include <string.h>

#include "xen/conv.h"

/* Below 4 GiB hvmloader leaves this much to PCI devices when nobody asks for more; libxl takes up to the second
 * figure. */
#define HOLE_DEFAULT_KIB (256u * 1024)
#define HOLE_MOST_KIB (0xf0000000u / 1024)
#define HOLE_STEP_KIB (64u * 1024)
#define OTHERS_KIB (128u * 1024) /* what QEMU's own devices need there */

static gboolean refuse(GError **error, const char *why) {
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, "<hostdev type='vgpu'>: %s", why);
    return FALSE;
}

static gsize count_vgpus(const VgDomain *dom) {
    gsize n = 0;
    for (gsize i = 0; i < dom->n_hostdevs; i++)
        n += dom->hostdevs[i]->type == VG_HOSTDEV_VGPU || dom->hostdevs[i]->type == VG_HOSTDEV_MDEV;
    return n;
}

static gboolean check_slots(const VgXenBuild *build, GError **error) {
    guint32 taken = 0;
    for (gsize i = 0; i < build->n_gpus; i++) {
        guint slot = build->gpus[i].guest_slot;
        if (slot == 0 && build->gpus[i].kind == VG_XEN_GPU_PCI)
            continue; /* QEMU finds one */
        if (slot < VG_VGPU_SLOT_FIRST || slot > VG_VGPU_SLOT_LAST || (taken & 1u << slot)) {
            vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                         _("<hostdev type='vgpu'>: guest slot 0x%02x: a vGPU has a slot of its own between 0x%02x and "
                           "0x%02x, QEMU's own devices have the others"),
                         slot, VG_VGPU_SLOT_FIRST, VG_VGPU_SLOT_LAST);
            return FALSE;
        }
        taken |= 1u << slot;
    }
    return TRUE;
}

/* The place is ours: libxl may take the function from whatever driver holds it. */
static void add_pci(const VgXenGpu *gpu, libxl_domain_config *c) {
    guint functions = gpu->functions | 1u << gpu->host.function;
    for (guint i = 0; i < 8; i++) {
        VgPciAddr host = gpu->host;
        host.function = (guint8)i;
        if (!(functions >> i & 1))
            continue;
        libxl_device_pci *pci = vg_xen_add_pci(c, &host);
        /* Its companions go where QEMU has room: one slot for several would need functions that QEMU does not add. */
        pci->vdevfn = i == gpu->host.function ? gpu->guest_slot << 3 : 0;
        pci->seize = true;
    }
}

static gboolean add_vfio(const VgXenGpu *gpu, libxl_domain_config *c, GError **error) {
    if (!gpu->vfio_path || strchr(gpu->vfio_path, ','))
        return refuse(error, _("its place has no usable path"));
    g_autofree char *arg = g_strdup_printf("vfio-pci,sysfsdev=%s,addr=0x%02x", gpu->vfio_path, gpu->guest_slot);
    vg_xen_list_add(&c->b_info.extra_hvm, "-device");
    vg_xen_list_add(&c->b_info.extra_hvm, arg);
    return TRUE;
}

/* BARs of devices that libxl does not know must fit below 4 GiB beside QEMU's. */
static gboolean open_hole(const VgXenBuild *build, libxl_domain_build_info *b, GError **error) {
    guint64 need = 0;
    for (gsize i = 0; i < build->n_gpus; i++)
        if (build->gpus[i].kind != VG_XEN_GPU_PCI)
            need += MIN(build->gpus[i].bar_kib, HOLE_MOST_KIB);
    if (need == 0 || need + OTHERS_KIB <= HOLE_DEFAULT_KIB)
        return TRUE;
    guint64 hole = (need + OTHERS_KIB + HOLE_STEP_KIB - 1) / HOLE_STEP_KIB * HOLE_STEP_KIB;
    if (hole > HOLE_MOST_KIB)
        return refuse(error, _("their memory windows together do not fit below 4 GiB; give the guest fewer vGPUs"));
    b->u.hvm.mmio_hole_memkb = hole;
    return TRUE;
}

gboolean vg_xen_conv_vgpu(const VgXenConv *conv, GError **error) {
    const VgXenBuild *build = conv->build;
    libxl_domain_config *c = conv->c;
    gsize wanted = count_vgpus(conv->dom), screens = 0;
    if (wanted == 0 && build->n_gpus == 0)
        return TRUE;
    if (!conv->hvm)
        return refuse(error,
                      _("a virtual GPU needs a fully virtualised guest (<type>hvm</type>): PV and PVH guests have "
                        "no PCI devices that an emulator or a vGPU driver could serve"));
    if (wanted != build->n_gpus)
        return refuse(error, _("no place was chosen for it"));
    if (!check_slots(build, error) || !open_hole(build, &c->b_info, error))
        return FALSE;
    for (gsize i = 0; i < build->n_gpus; i++) {
        const VgXenGpu *gpu = &build->gpus[i];
        if (gpu->kind == VG_XEN_GPU_PCI)
            add_pci(gpu, c);
        else if (gpu->kind == VG_XEN_GPU_VFIO && !add_vfio(gpu, c, error))
            return FALSE;
        screens += gpu->primary != FALSE;
    }
    if (screens > 1)
        return refuse(error, _("one vGPU of a guest can be its primary display (display='on'), not several"));
    if (screens) {
        c->b_info.u.hvm.vga.kind = LIBXL_VGA_INTERFACE_TYPE_NONE;
        c->b_info.video_memkb = LIBXL_MEMKB_DEFAULT;
    }
    return TRUE;
}
