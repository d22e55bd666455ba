/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * facts.h: what the host says of one GPU, as it says it: names and numbers, no types and no rules yet. Filled by the
 * back ends from the kernel's files, in jobs too; inventory.c makes GPUs of it.
 */
#pragma once

#include "base/pciaddr.h"
#include "base/uuid.h"
#include "gpu/host.h"

typedef struct {
    char *id, *name, *description, *api; /* name, description, api may be NULL: drivers leave them out */
    guint seen;                          /* those there are and those it says there is room for */
} VgTypeFact;

/* A virtual function, there or to be. */
typedef struct {
    VgPciAddr addr;
    gboolean usable; /* by the back end; what a driver of somebody else has is not */
} VgVf;

/* A vGPU that is there. */
typedef struct {
    gboolean has_uuid;
    VgUuid uuid;
    gboolean has_vf;
    VgPciAddr vf;
    char *type_id; /* or NULL: not told */
    gint64 start;  /* placement id, -1: none */
} VgDeviceFact;

typedef struct VgBackend VgBackend; /* gpu/backend.h */

typedef struct {
    const VgBackend *backend; /* for which the host has something; NULL: none */
    char *driver;             /* bound now, or NULL */
    GArray *types, *vfs, *devices;
    gboolean on_vfs;  /* each vGPU has a virtual function of its own */
    gboolean partial; /* types are only what could be made now: the catalogue's are there too */
    guint missing;    /* virtual functions that its driver has and shows nothing on, or that have no driver */
    char *mismatch;   /* its driver's parts are of different versions: the reason; or NULL */
    char *waiting;    /* it will have vGPUs, but not yet: what for; or NULL */
} VgGpuFacts;

void vg_gpu_facts_init(VgGpuFacts *facts);
void vg_gpu_facts_clear(VgGpuFacts *facts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VgGpuFacts, vg_gpu_facts_clear)

/* Takes nothing over; a type that is known already is not added again. */
void vg_gpu_facts_add_type(VgGpuFacts *facts, const VgTypeFact *type);
/* Takes over @device's text. */
void vg_gpu_facts_add_device(VgGpuFacts *facts, VgDeviceFact *device);

/* "sys/bus/pci/devices/ADDR/NAME", or without "/NAME" (NULL). Caller frees. */
char *vg_pci_file(const VgPciAddr *addr, const char *name);
