/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pcidevs.h: PCI devices of the host, taken from its drivers for a guest and given back to them. What we take for a
 * guest is in its live status before it is taken: whoever starts after a crash gives it back. Jobs, all of them.
 */
#pragma once

#include "driver/run.h"

/* The PCI device that the @i-th of a definition's host devices, and behind those its interfaces, is; NULL: none. */
const VgPciAddr *vg_pcidevs_nth(const VgDomain *def, gsize i, gboolean *ret_managed);
gsize vg_pcidevs_count(const VgDomain *def);

/*
 * @run's guest is to have it: it is with Xen's driver afterwards, and among run->pcidevs if it is to go back. CONFIG_
 * UNSUPPORTED if it is not @managed and a driver of the host has it. Whoever calls writes the live status, by @write,
 * before anything is done.
 */
typedef gboolean (*VgPcidevsWrite)(gpointer data, GError **error);
gboolean vg_pcidevs_lend(VgRun *run, const VgPciAddr *addr, gboolean managed, VgPcidevsWrite write, gpointer data,
                         GError **error);
/* @run's guest does not have it any more. */
gboolean vg_pcidevs_give_back(VgRun *run, const VgPciAddr *addr, GError **error);
gboolean vg_pcidevs_give_back_all(VgRun *run, GError **error);
/* The functions of a claim leave Xen's keeping: afterwards the back ends can give them to the host's drivers. */
void vg_pcidevs_free_claim(VgDriverState *hub, const VgClaim *claim);
/* Start-up: a guest that is gone had these. */
void vg_pcidevs_repair(VgDriverState *hub, char **lent);
