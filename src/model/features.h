/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* features.h: <features>: what the virtual machine offers. */
#pragma once

#include "model/types.h"

typedef enum {
    VG_PASSTHROUGH_NONE,
    VG_PASSTHROUGH_SYNC_PT,
    VG_PASSTHROUGH_SHARE_PT,
    VG_PASSTHROUGH_LAST
} VgPassthroughMode;

/* <hyperv>; Xen's viridian groups know these */
typedef struct {
    gboolean present;
    VgTristate relaxed, vapic, vpindex, runtime, synic, stimer, reset, frequencies, tlbflush, ipi;
    VgTristate spinlocks;
    guint spinlock_retries; /* 0 = absent */
    char *mode;             /* "custom", "passthrough" */
} VgHyperv;

typedef struct {
    gboolean acpi, pae, viridian;
    gboolean apic;
    VgTristate apic_eoi;
    VgTristate hap; /* <hap/> is read as on */
    VgHyperv hyperv;
    gboolean xen_present;
    VgTristate e820_host, passthrough; /* <xen> */
    VgPassthroughMode passthrough_mode;
    VgTristate vmcoreinfo; /* inert */
    VgTristate vmport;     /* inert */
    gboolean kvm_present;  /* inert: <kvm><hidden state=/> */
    VgTristate kvm_hidden;
} VgFeatures;
