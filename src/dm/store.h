/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* store.h: a domain's own part of xenstore, or the folder that stands for it on the simulated host. */
#pragma once

#include <glib.h>

typedef struct VgDmStore VgDmStore;

/* NULL with errno. */
VgDmStore *vg_dm_store_open(guint domid);
/* NULL: there is no such key. Caller frees. */
char *vg_dm_store_read(VgDmStore *store, const char *key);
gboolean vg_dm_store_write(VgDmStore *store, const char *key, const char *text); /* FALSE with errno */
void vg_dm_store_free(VgDmStore *store);
