/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * host.h: DIR/host.json, the machine that --simulate pretends to be. docs/simulated-host.md says what each member
 * means.
 */
#pragma once

#include "base/json.h"
#include "xen/xen.h"

typedef struct {
    VgXenHostInfo info; /* free_kib is not here: it depends on what runs */
    guint64 dom0_kib;
    guint shutdown_ms; /* a guest asked to shut down or reboot is gone after so long */
    guint build_ms;    /* what building a guest takes */
    guint save_ms;     /* what writing its memory down takes */
    char **deaf;       /* name patterns (*, ?) of guests that ignore such a request */
    VgJson *json;      /* the whole document */
} VgSimHost;

/* Reads DIR/host.json; written with the defaults when absent. Blocks. INVALID_ARG naming the member that is out of
 * range. */
VgSimHost *vg_sim_host_load(const char *dir, GError **error);
void vg_sim_host_free(VgSimHost *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgSimHost, vg_sim_host_free)

/* The "gpus" array, for the simulated kernel; NULL if the host has none. Borrowed. */
const VgJson *vg_sim_host_gpus(const VgSimHost *host);
