/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * state.h: what must outlive the daemon of a guest that runs: one file per guest, UUID.json, in the folder of live
 * status. Before the guest is made it is an intent (recorded FALSE): UUID, boot id and the token that the domain will
 * carry. Afterwards it holds the live XML too. Everything here blocks.
 */
#pragma once

#include <glib.h>

#include "base/uuid.h"

typedef struct {
    VgUuid uuid;
    char *name;
    char *boot;  /* of the host, when it was written */
    char *token; /* in the domain's xenstore data */
    gboolean recorded;
    gboolean paused; /* is to stay paused */
    int domid;       /* recorded */
    char *xml;       /* recorded: live XML with secrets */
    char *device;    /* on its way in or out: its XML, which is not in xml; or NULL */
    char **pcidevs;  /* PCI devices that go back to the host's drivers; or NULL */
    char *saving;    /* it is being saved into this file, which has not its own name yet; or NULL */
    char *image;     /* it came out of this file, which goes before the guest does a thing; or NULL */
    gboolean medium; /* `device` is in xml: it is a drive that gets another medium */
} VgStatus;
void vg_status_clear(VgStatus *status);

gboolean vg_status_write(const char *dir, const VgStatus *status, GError **error);
gboolean vg_status_remove(const char *dir, const VgUuid *uuid, GError **error);
/* All that can be read; a file that makes no sense is set aside and reported. */
VgStatus *vg_status_read_all(const char *dir, gsize *ret_n);
void vg_status_free_all(VgStatus *all, gsize n);
