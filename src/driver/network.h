/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* network.h: the bridges behind <interface type='network'>. */
#pragma once

#include "model/domain.h"

/*
 * Fills in `bridge` of every interface of a network that lacks it. A real host asks the machine's own libvirt daemon
 * (blocks: jobs only); the simulated one says "virbr0". Errors: CONFIG_UNSUPPORTED naming interface and network, with
 * what libvirt says and what to do.
 */
gboolean vg_networks_resolve(VgDomain *def, gboolean simulated, GError **error);
