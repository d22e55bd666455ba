/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* validate.c: the rules between elements. What one element may say is in its own file. */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "model/maps.h"

static gboolean G_GNUC_PRINTF(2, 3) refuse(GError **error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, "%s", message);
    return FALSE;
}

static gboolean check_name(const VgDomain *dom, GError **error) {
    enum { LONGEST = 200 }; /* it becomes a file's name */
    if (strchr(dom->name, '/') != NULL || strchr(dom->name, '\n') != NULL || strcmp(dom->name, ".") == 0 ||
        strcmp(dom->name, "..") == 0)
        vg_set_error(error, VG_ERR_XML_ERROR, _("<name> must not hold '/' or a line's end, nor be '.' or '..'"));
    else if (strlen(dom->name) > LONGEST)
        vg_set_error(error, VG_ERR_XML_ERROR, _("<name> is longer than %d bytes"), LONGEST);
    else if (strspn(dom->name, " \t") == strlen(dom->name))
        vg_set_error(error, VG_ERR_XML_ERROR, _("<name> is blank"));
    else
        return TRUE;
    return FALSE;
}

static gboolean check_os(const VgDomain *dom, GError **error) {
    const VgOs *os = &dom->os;
    if (strcmp(os->arch, "x86_64") != 0 && strcmp(os->arch, "i686") != 0)
        return refuse(error, _("<os><type arch='%.20s'> is not supported: Xen guests here are x86_64 or i686"),
                      os->arch);
    if (os->loader_secure == VG_TRISTATE_YES)
        return refuse(error, _("<loader secure='yes'> is not supported: Xen has no secure boot"));
    gboolean runs = dom->id >= 0; /* then somebody has built it, whatever from */
    if (os->type == VG_OS_XENPVH && os->kernel == NULL && dom->bootloader == NULL && !runs)
        return refuse(error, _("a PVH guest needs <os><kernel>, or a <bootloader>"));
    return TRUE;
}

static gboolean check_sounds(const VgDomain *dom, GError **error) {
    for (gsize i = 0; i < dom->n_sounds; i++) {
        VgSoundModel model = dom->sounds[i]->model;
        if (model != VG_SOUND_SB16 && model != VG_SOUND_ES1370 && model != VG_SOUND_AC97 && model != VG_SOUND_ICH6)
            return refuse(error,
                          _("<sound model='%s'> is not supported: Xen's device model has sb16, es1370, ac97 and ich6"),
                          vg_names_name(&vg_sound_names, (int)model));
    }
    return TRUE;
}

static gboolean check_consoles(const VgDomain *dom, GError **error) {
    for (gsize i = 1; i < dom->n_consoles; i++)
        if (dom->consoles[i]->console_target == VG_CONSOLE_SERIAL)
            return refuse(error, _("only the first <console> can be a serial port"));
    return TRUE;
}

/* --- nothing twice ------------------------------------------------------------------------------------------------ */

/* FALSE: @key, which is taken over, is there already. */
static gboolean add_once(GHashTable *seen, char *key) {
    return g_hash_table_add(seen, key);
}

static gboolean check_disks(const VgDomain *dom, GError **error) {
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (gsize i = 0; i < dom->n_disks; i++)
        if (!g_hash_table_add(seen, dom->disks[i]->target)) {
            vg_set_error(error, VG_ERR_XML_ERROR, _("two disks have the target '%.40s'"), dom->disks[i]->target);
            return FALSE;
        }
    return TRUE;
}

static gboolean check_controllers(const VgDomain *dom, GError **error) {
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (gsize i = 0; i < dom->n_controllers; i++) {
        const VgController *controller = dom->controllers[i];
        const char *type = vg_names_name(&vg_controller_names, (int)controller->type);
        if (controller->type != VG_CONTROLLER_USB &&
            !add_once(seen, g_strdup_printf("%s %d", type, controller->index))) {
            vg_set_error(error, VG_ERR_XML_ERROR, _("two %s controllers have the index %d"), type, controller->index);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean check_boot_order(GHashTable *seen, guint order, GError **error) {
    if (order == 0 || g_hash_table_add(seen, GUINT_TO_POINTER(order)))
        return TRUE;
    vg_set_error(error, VG_ERR_XML_ERROR, _("two devices have <boot order='%u'>"), order);
    return FALSE;
}

static gboolean check_boot_orders(const VgDomain *dom, GError **error) {
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    for (gsize i = 0; i < dom->n_disks; i++)
        if (!check_boot_order(seen, dom->disks[i]->info.boot_order, error))
            return FALSE;
    for (gsize i = 0; i < dom->n_interfaces; i++)
        if (!check_boot_order(seen, dom->interfaces[i]->info.boot_order, error))
            return FALSE;
    for (gsize i = 0; i < dom->n_hostdevs; i++)
        if (!check_boot_order(seen, dom->hostdevs[i]->info.boot_order, error))
            return FALSE;
    return TRUE;
}

/* --- host devices ------------------------------------------------------------------------------------------------- */

/* What stands for the device itself, so that it is not given twice. */
static char *identity(const VgHostdev *dev) {
    char text[MAX(VG_PCIADDR_TEXT, VG_UUID_TEXT)];
    switch (dev->type) {
    case VG_HOSTDEV_PCI:
        return g_strdup(vg_pciaddr_format(&dev->pci.addr, text));
    case VG_HOSTDEV_USB:
        return g_strdup_printf("usb %04x:%04x %u.%u", dev->usb.vendor, dev->usb.product, dev->usb.bus, dev->usb.device);
    case VG_HOSTDEV_MDEV:
        return g_strdup(vg_uuid_format(&dev->mdev.uuid, text));
    default:
        return g_strdup(vg_uuid_format(&dev->vgpu.uuid, text));
    }
}

static gboolean check_guest_kind(const VgDomain *dom, const VgHostdev *dev, GError **error) {
    if (vg_domain_is_hvm(dom) || (dev->type != VG_HOSTDEV_VGPU && dev->type != VG_HOSTDEV_MDEV))
        return TRUE;
    return refuse(error,
                  _("<hostdev type='%s'>: only an HVM guest can have a virtual GPU, and this is a %s guest; make it "
                    "<type>hvm</type>"),
                  vg_names_name(&vg_hostdev_names, (int)dev->type), dom->os.type == VG_OS_XENPVH ? "PVH" : "PV");
}

static gboolean check_slot(const VgHostdev *dev, GError **error) {
    const VgAddress *address = &dev->info.address;
    if (dev->type != VG_HOSTDEV_VGPU || address->type == VG_ADDRESS_NONE)
        return TRUE;
    if (address->type != VG_ADDRESS_PCI)
        return refuse(error, _("<hostdev type='vgpu'>: its <address> in the guest must be of type 'pci'"));
    if (address->pci.domain != 0 || address->pci.bus != 0 || address->pci.function != 0 ||
        address->pci.slot < VG_VGPU_SLOT_FIRST || address->pci.slot > VG_VGPU_SLOT_LAST)
        return refuse(error,
                      _("<hostdev type='vgpu'>: the guest has room for virtual GPUs on bus 0, slots 0x%02x to 0x%02x, "
                        "function 0"),
                      VG_VGPU_SLOT_FIRST, VG_VGPU_SLOT_LAST);
    return TRUE;
}

static gboolean is_primary_display(const VgHostdev *dev) {
    return (dev->type == VG_HOSTDEV_VGPU && dev->vgpu.display == VG_TRISTATE_YES) ||
           (dev->type == VG_HOSTDEV_MDEV && dev->mdev.display == VG_TRISTATE_YES);
}

static gboolean check_hostdevs(const VgDomain *dom, GError **error) {
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint displays = 0, ramfbs = 0, slots = 0;
    for (gsize i = 0; i < dom->n_hostdevs; i++) {
        const VgHostdev *dev = dom->hostdevs[i];
        if (!check_guest_kind(dom, dev, error) || !check_slot(dev, error))
            return FALSE;
        g_autofree char *what = identity(dev);
        if (!add_once(seen, g_strdup(what)))
            return refuse(error, _("the host device %s is given twice"), what);
        displays += is_primary_display(dev) ? 1 : 0;
        ramfbs += dev->type == VG_HOSTDEV_MDEV && dev->mdev.ramfb == VG_TRISTATE_YES ? 1 : 0;
        guint bit = dev->info.address.type == VG_ADDRESS_PCI && dev->type == VG_HOSTDEV_VGPU
                        ? 1u << dev->info.address.pci.slot
                        : 0;
        if (slots & bit)
            return refuse(error, _("two virtual GPUs have the guest slot 0x%02x"), dev->info.address.pci.slot);
        slots |= bit;
    }
    if (displays > 1)
        return refuse(error, _("%u virtual GPUs have display='on'; one can be the guest's display"), displays);
    if (ramfbs > 1)
        return refuse(error, _("%u virtual GPUs have ramfb='on'; one can be the guest's display while it boots"),
                      ramfbs);
    return TRUE;
}

gboolean vg_domain_validate(const VgDomain *dom, GError **error) {
    return check_name(dom, error) && check_os(dom, error) && check_sounds(dom, error) && check_consoles(dom, error) &&
           check_disks(dom, error) && check_controllers(dom, error) && check_boot_orders(dom, error) &&
           check_hostdevs(dom, error);
}
