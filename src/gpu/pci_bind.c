/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pci_bind.c: drivers of PCI functions, through the kernel's files. Used by the back ends that give whole functions. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "gpu/pci_bind.h"

#define STEP_MS 10
#define BACK "pciback"

typedef struct {
    VgSysroot *root;
    const char *to; /* the driver that has it for a time */
    char addr[VG_PCIADDR_TEXT];
    char *folder;
} Function;

static void function_clear(Function *f) {
    g_free(f->folder);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Function, function_clear)

static void function_init(Function *f, VgSysroot *root, const VgPciAddr *addr, const char *to) {
    f->root = root;
    f->to = to;
    f->folder = g_strconcat("sys/bus/pci/devices/", vg_pciaddr_format(addr, f->addr), NULL);
}

static char *driver_of(const Function *f) {
    g_autofree char *path = g_strconcat(f->folder, "/driver", NULL);
    g_autofree char *target = vg_sysroot_readlink(f->root, path);
    return target != NULL ? g_path_get_basename(target) : NULL;
}

static gboolean is_marked(const Function *f) {
    g_autofree char *path = g_strconcat(f->folder, "/driver_override", NULL);
    g_autofree char *text = vg_sysroot_read(f->root, path);
    return g_strcmp0(text, f->to) == 0;
}

/* One write; @point names it for the crash tests. */
static gboolean put(const Function *f, const char *point, const char *path, const char *text, GError **error) {
    int errnum = vg_fault(point) ? EIO : vg_sysroot_write(f->root, path, text) ? 0 : errno;
    if (errnum == 0)
        return TRUE;
    vg_set_errno(error, errnum, _("cannot change the driver of PCI function %s: %s"), f->addr, path);
    return FALSE;
}

static gboolean put_in(const Function *f, const char *point, const char *name, const char *text, GError **error) {
    g_autofree char *path = g_strconcat(f->folder, "/", name, NULL);
    return put(f, point, path, text, error);
}

/* Waits until @driver (NULL: none) has it. */
static gboolean wait_driver(const Function *f, const char *driver, guint wait_ms) {
    for (guint waited = 0;; waited += STEP_MS) {
        g_autofree char *now = driver_of(f);
        if (g_strcmp0(now, driver) == 0)
            return TRUE;
        if (waited >= wait_ms)
            return FALSE;
        g_usleep(STEP_MS * 1000);
    }
}

static gboolean busy(const Function *f, const char *driver, GError **error) {
    vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                 _("PCI function %s is in use on this host: its driver %s does not let it go; end the processes that "
                   "have it open"),
                 f->addr, driver);
    return FALSE;
}

/* NVIDIA's driver is asked first: its unbind waits for ever while somebody has the GPU open. */
static gboolean lock_nvidia(const Function *f, const char *driver, GError **error) {
    g_autofree char *path = g_strdup_printf("proc/driver/nvidia/gpus/%s/unbindLock", f->addr);
    if (strcmp(driver, "nvidia") != 0 || !vg_sysroot_exists(f->root, path))
        return TRUE;
    if (!put(f, "gpu.pci.lock", path, "1", error))
        return FALSE;
    gint64 locked = 0;
    return (vg_sysroot_read_int(f->root, path, &locked) && locked == 1) || busy(f, driver, error);
}

static gboolean leave_driver(const Function *f, const char *driver, guint wait_ms, GError **error) {
    if (!lock_nvidia(f, driver, error) || !put_in(f, "gpu.pci.unbind", "driver/unbind", f->addr, error))
        return FALSE;
    return wait_driver(f, NULL, wait_ms) || busy(f, driver, error);
}

static gboolean not_taken(const Function *f, GError **error) {
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                 _("PCI function %s was not taken by the driver %s; is the module %s loaded on this host?"), f->addr,
                 f->to, strcmp(f->to, BACK) == 0 ? "xen-pciback" : f->to);
    return FALSE;
}

gboolean vg_pci_lend_to(VgSysroot *root, const VgPciAddr *addr, const char *to, gboolean take, guint wait_ms,
                        GError **error) {
    g_auto(Function) f = {0};
    function_init(&f, root, addr, to);
    g_autofree char *driver = driver_of(&f);
    if (g_strcmp0(driver, to) == 0)
        return TRUE;
    if (driver != NULL && !take)
        return busy(&f, driver, error);
    if (!put_in(&f, "gpu.pci.mark", "driver_override", to, error))
        return FALSE;
    if ((driver == NULL || leave_driver(&f, driver, wait_ms, error)) &&
        put(&f, "gpu.pci.probe", "sys/bus/pci/drivers_probe", f.addr, error)) {
        if (wait_driver(&f, to, wait_ms) && !vg_fault("gpu.pci.lent"))
            return TRUE;
        not_taken(&f, error);
    }
    /* What cannot be undone now is undone by the next stop or start. */
    vg_pci_take_back_from(root, addr, to, driver != NULL, wait_ms, NULL);
    return FALSE;
}

gboolean vg_pci_take_back_from(VgSysroot *root, const VgPciAddr *addr, const char *to, gboolean probe, guint wait_ms,
                               GError **error) {
    g_auto(Function) f = {0};
    function_init(&f, root, addr, to);
    if (!vg_sysroot_exists(root, f.folder))
        return TRUE;
    g_autofree char *driver = driver_of(&f);
    if (is_marked(&f)) {
        if (g_strcmp0(driver, to) == 0 && !leave_driver(&f, to, wait_ms, error))
            return FALSE;
        if (!put_in(&f, "gpu.pci.unmark", "driver_override", "\n", error))
            return FALSE;
    }
    /* Also if a crash came between the two: nobody else leaves a GPU that was ours without a driver. */
    g_autofree char *now = driver_of(&f);
    return !probe || now != NULL || put(&f, "gpu.pci.reprobe", "sys/bus/pci/drivers_probe", f.addr, error);
}

gboolean vg_pci_lend(VgSysroot *root, const VgPciAddr *addr, gboolean take, guint wait_ms, GError **error) {
    return vg_pci_lend_to(root, addr, BACK, take, wait_ms, error);
}

gboolean vg_pci_take_back(VgSysroot *root, const VgPciAddr *addr, gboolean probe, guint wait_ms, GError **error) {
    return vg_pci_take_back_from(root, addr, BACK, probe, wait_ms, error);
}
