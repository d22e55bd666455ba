/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vfs.c: the kernel's sriov_* files. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "gpu/pci_bind.h"
#include "gpu/vfs.h"

#define MAX_VFS 256
#define STUB "pci-pf-stub"

static guint figure(VgSysroot *root, const VgPciAddr *pf, const char *name) {
    g_autofree char *path = vg_pci_file(pf, name);
    gint64 value = 0;
    return vg_sysroot_read_int(root, path, &value) ? (guint)CLAMP(value, 0, G_MAXUINT16) : 0;
}

guint vg_vfs_count(VgSysroot *root, const VgPciAddr *pf) {
    return figure(root, pf, "sriov_numvfs");
}

void vg_vfs_read(VgSysroot *root, const VgPciAddr *pf, VgGpuFacts *facts) {
    for (guint i = 0; i < MAX_VFS; i++) {
        g_autofree char *name = g_strdup_printf("virtfn%u", i), *path = vg_pci_file(pf, name);
        g_autofree char *target = vg_sysroot_readlink(root, path);
        if (target == NULL)
            break;
        g_autofree char *where = g_path_get_basename(target);
        VgVf vf = {.usable = TRUE};
        if (vg_pciaddr_parse(where, &vf.addr))
            g_array_append_val(facts->vfs, vf);
    }
}

static VgPciAddr address_of(const VgPciAddr *pf, guint offset, guint stride, guint i) {
    guint id = ((guint)pf->bus << 8 | (guint)pf->slot << 3 | pf->function) + offset + i * stride;
    return (VgPciAddr){
        .domain = pf->domain, .bus = (guint8)(id >> 8), .slot = (guint8)(id >> 3 & 31), .function = (guint8)(id & 7)};
}

gboolean vg_vfs_foresee(VgSysroot *root, const VgPciAddr *pf, VgGpuFacts *facts) {
    vg_vfs_read(root, pf, facts);
    if (facts->vfs->len > 0)
        return TRUE;
    guint total = figure(root, pf, "sriov_totalvfs"), now = figure(root, pf, "sriov_numvfs");
    guint offset = figure(root, pf, "sriov_offset"), stride = figure(root, pf, "sriov_stride");
    if (total == 0 || offset == 0 || (total > 1 && stride == 0))
        return FALSE;
    total = MIN(now > 0 ? now : total, MAX_VFS); /* if some are enabled, it was decided how many */
    for (guint i = 0; i < total; i++) {
        VgVf vf = {address_of(pf, offset, stride, i), TRUE};
        g_array_append_val(facts->vfs, vf);
    }
    return TRUE;
}

/* --- changing ----------------------------------------------------------------------------------------------------- */

static gboolean set_number(VgSysroot *root, const VgPciAddr *pf, guint number, GError **error) {
    char addr[VG_PCIADDR_TEXT];
    g_autofree char *path = vg_pci_file(pf, "sriov_numvfs"), *text = g_strdup_printf("%u", number);
    int errnum = vg_fault("gpu.vfs.number") ? EIO : vg_sysroot_write(root, path, text) ? 0 : errno;
    /* EBUSY: another start was faster. */
    if (errnum == 0 || (errnum == EBUSY && number > 0))
        return TRUE;
    vg_set_errno(error, errnum,
                 number > 0 ? _("cannot enable the virtual functions of GPU %s")
                            : _("cannot take away the virtual functions of GPU %s"),
                 vg_pciaddr_format(pf, addr));
    return FALSE;
}

/* Older kernels have no such file. */
static void set_autoprobe(VgSysroot *root, const VgPciAddr *pf, gboolean on) {
    g_autofree char *path = vg_pci_file(pf, "sriov_drivers_autoprobe");
    vg_sysroot_write(root, path, on ? "1" : "0");
}

/* While autoprobe is off, a virtual function is given to no driver at all, not even when it is asked for. */
static gboolean give_to_driver(VgSysroot *root, const VgPciAddr *pf, guint wait_ms, GError **error) {
    g_auto(VgGpuFacts) facts = {0};
    vg_gpu_facts_init(&facts);
    set_autoprobe(root, pf, TRUE);
    vg_vfs_read(root, pf, &facts);
    for (guint i = 0; i < facts.vfs->len; i++)
        if (!vg_pci_take_back(root, &g_array_index(facts.vfs, VgVf, i).addr, TRUE, wait_ms, error))
            return FALSE;
    return TRUE;
}

static gboolean change_lent(VgSysroot *root, const VgPciAddr *pf, guint number, guint wait_ms, GError **error) {
    if (!vg_pci_lend_to(root, pf, STUB, TRUE, wait_ms, error))
        return FALSE;
    /* The vendor's driver cannot serve them before it has the physical function. */
    set_autoprobe(root, pf, FALSE);
    gboolean good = set_number(root, pf, number, error);
    if (good && vg_fault("gpu.vfs.changed")) {
        char addr[VG_PCIADDR_TEXT];
        vg_set_errno(error, EIO, _("cannot enable the virtual functions of GPU %s"), vg_pciaddr_format(pf, addr));
        good = FALSE;
    }
    return vg_pci_take_back_from(root, pf, STUB, TRUE, wait_ms, good ? error : NULL) && good;
}

gboolean vg_vfs_enable(VgSysroot *root, const VgPciAddr *pf, gboolean vendor_driver, guint wait_ms, GError **error) {
    guint total = figure(root, pf, "sriov_totalvfs"), now = vg_vfs_count(root, pf);
    if (!vendor_driver) {
        if (now > 0)
            return TRUE;
        set_autoprobe(root, pf, FALSE);
        return set_number(root, pf, total, error);
    }
    if (now == 0 ? !change_lent(root, pf, total, wait_ms, error)
                 : !vg_pci_take_back_from(root, pf, STUB, TRUE, wait_ms, error))
        return FALSE;
    return give_to_driver(root, pf, wait_ms, error);
}

gboolean vg_vfs_disable(VgSysroot *root, const VgPciAddr *pf, gboolean vendor_driver, guint wait_ms, GError **error) {
    if (vg_vfs_count(root, pf) == 0)
        return TRUE;
    return vendor_driver ? change_lent(root, pf, 0, wait_ms, error) : set_number(root, pf, 0, error);
}

/* The vendor's own driver has them without using them; any other has them for somebody. */
static gboolean is_free(VgSysroot *root, const VgPciAddr *pf, const VgPciAddr *vf, gboolean nvidia, GError **error) {
    char gpu[VG_PCIADDR_TEXT], addr[VG_PCIADDR_TEXT];
    g_autofree char *path = vg_pci_file(vf, "driver"), *target = vg_sysroot_readlink(root, path);
    g_autofree char *driver = target != NULL ? g_path_get_basename(target) : NULL;
    if (driver == NULL || (nvidia && strcmp(driver, "nvidia") == 0))
        return TRUE;
    vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                 _("GPU %s cannot be given away whole: the driver %s has its virtual function %s; stop the guest or "
                   "the program that uses it, or give it back with 'virsh nodedev-reattach'"),
                 vg_pciaddr_format(pf, gpu), driver, vg_pciaddr_format(vf, addr));
    return FALSE;
}

gboolean vg_vfs_clear(VgSysroot *root, const VgPciAddr *pf, guint wait_ms, GError **error) {
    gboolean nvidia = figure(root, pf, "vendor") == VG_NVIDIA;
    g_auto(VgGpuFacts) facts = {0};
    if (vg_vfs_count(root, pf) == 0)
        return TRUE;
    vg_gpu_facts_init(&facts);
    vg_vfs_read(root, pf, &facts);
    for (guint i = 0; i < facts.vfs->len; i++)
        if (!is_free(root, pf, &g_array_index(facts.vfs, VgVf, i).addr, nvidia, error))
            return FALSE;
    return vg_vfs_disable(root, pf, nvidia, wait_ms, error);
}
