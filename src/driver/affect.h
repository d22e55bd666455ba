/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* affect.h: which of a domain's two definitions a call is about: that of what runs, the one on disk, or both. */
#pragma once

#include "driver/hub.h"

/* VIR_DOMAIN_AFFECT_LIVE and _CONFIG; neither: VIR_DOMAIN_AFFECT_CURRENT */
#define VG_AFFECT 3u

gboolean vg_is_live(const VgDom *dom);
/*
 * Makes the flags say what is meant: CURRENT becomes live if it runs, else config. OPERATION_INVALID if there is no
 * such definition.
 */
gboolean vg_affect_resolve(const VgDom *dom, guint *flags, GError **error);
/* Both are meant by a question that has one answer: INVALID_ARG. */
gboolean vg_affect_is_one(guint flags, GError **error);

/* op->def becomes the definition: on disk (job), then in the list. */
gboolean vg_affect_write_config(VgOp *op, GError **error);
void vg_affect_take_config(VgOp *op);
