/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nodedev.h: <device>: a node device as libvirt shows it, for the two kinds that are ours to tell: a GPU (capability
 * pci) and a mediated device (capability mdev); and the one that a client wants to be made. Pure; any thread.
 */
#pragma once

#include <glib.h>

#include "base/pciaddr.h"
#include "base/uuid.h"

/* One <type> of <capability type='mdev_types'>. */
typedef struct {
    const char *id, *name;  /* "nvidia-15", "GRID M60-1Q"; name may be NULL */
    const char *device_api; /* "vfio-pci" */
    guint available;
} VgNodedevType;

typedef struct {
    VgPciAddr addr;
    const char *path;   /* in /sys, or NULL */
    const char *parent; /* name of the node device above; NULL: none is shown, the device is a root of the tree */
    const char *driver; /* or NULL */
    guint32 class_code;
    guint16 product, vendor;
    const char *product_name, *vendor_name; /* or NULL */
    gboolean is_vf;
    VgPciAddr pf;         /* of a VF */
    const VgPciAddr *vfs; /* of a PF */
    gsize n_vfs;
    guint max_vfs;              /* 0: not SR-IOV capable */
    const VgNodedevType *types; /* n_types 0: no mdev_types capability */
    gsize n_types;
    int iommu_group;        /* -1: none */
    const VgPciAddr *group; /* members of the group; NULL: the device alone */
    gsize n_group;
    int numa_node; /* -1: unknown */
} VgNodedevPci;

typedef struct {
    VgUuid uuid;
    VgPciAddr parent; /* GPU or VF */
    const char *path; /* in /sys, or NULL */
    const char *type_id;
    int iommu_group;          /* -1: none */
    const char *const *attrs; /* name, value, name, value, NULL; or NULL */
} VgNodedevMdev;

/* Names as libvirt makes them: pci_0000_05_00_0 and mdev_<uuid>_0000_05_00_0, all '_'. Caller frees. */
char *vg_nodedev_pci_name(const VgPciAddr *addr);
char *vg_nodedev_mdev_name(const VgUuid *uuid, const VgPciAddr *parent);

/* Back from a name. For an mdev the parent may be missing (*ret_has_parent FALSE): older clients keep such names.
 * FALSE: no such name. */
gboolean vg_nodedev_parse_pci_name(const char *name, VgPciAddr *ret);
gboolean vg_nodedev_parse_mdev_name(const char *name, VgUuid *ret, VgPciAddr *ret_parent, gboolean *ret_has_parent);

/* The whole documents in libvirt's style. Caller frees. */
char *vg_nodedev_pci_format(const VgNodedevPci *dev);
char *vg_nodedev_mdev_format(const VgNodedevMdev *dev);

/* A mediated device that a client describes, to be created or defined. */
typedef struct {
    char *name, *value;
} VgNodedevAttr;

typedef struct {
    char *name;       /* or NULL; what it is called follows from the rest */
    char *parent;     /* name of a node device */
    char *capability; /* "mdev" */
    char *type_id;
    gboolean has_uuid;
    VgUuid uuid;
    VgNodedevAttr **attrs;
    gsize n_attrs;
} VgNodedevWish;

/* XML_ERROR: no <device>, no parent, no type; CONFIG_UNSUPPORTED: a capability that cannot be made here. */
VgNodedevWish *vg_nodedev_parse(const char *xml, GError **error);
void vg_nodedev_wish_free(VgNodedevWish *wish);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgNodedevWish, vg_nodedev_wish_free)
