/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domcaps.h: <domainCapabilities>: what a guest of one machine type may have here. Pure; any thread.
 */
#pragma once

#include <glib.h>

#include "base/error.h"

typedef struct {
    const char *emulator; /* path; NULL: Xen's usual one */
    const char *domain; /* virtualisation type as the client asked: "xen" (also for NULL), "qemu", "kvm" are answered */
    const char *machine;          /* "xenpv" (also for NULL), "xenfv", "xenpvh" */
    const char *arch;             /* NULL: "x86_64" */
    const char *const *firmwares; /* paths that <loader> may name: hvmloader, OVMF; NULL: none */
    guint max_vcpus;              /* 0: Xen's own bound of the machine type */
    gboolean vgpu; /* the host can give an HVM guest virtual GPUs: adds mdev and vgpu to the kinds of host device */
} VgDomcapsInfo;

/* INVALID_ARG for a domain, machine or architecture that Xen has not. Caller frees. */
char *vg_domcaps_format(const VgDomcapsInfo *info, GError **error);
