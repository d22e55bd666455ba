/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* affect.c: live, config, or both; and how the definition on disk becomes another one. */
#include "driver/affect.h"

#include <libvirt/libvirt.h>
#include <string.h>

#include "base/i18n.h"

G_STATIC_ASSERT(VG_AFFECT == (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG));

gboolean vg_is_live(const VgDom *dom) {
    return dom->run && vg_life_active(&dom->life);
}

gboolean vg_affect_resolve(const VgDom *dom, guint *flags, GError **error) {
    if (!(*flags & VG_AFFECT))
        *flags |= vg_is_live(dom) ? VIR_DOMAIN_AFFECT_LIVE : VIR_DOMAIN_AFFECT_CONFIG;
    if (*flags & VIR_DOMAIN_AFFECT_LIVE && !vg_is_live(dom)) {
        vg_set_error(error, VG_ERR_OPERATION_INVALID, _("domain is not running"));
        return FALSE;
    }
    if (*flags & VIR_DOMAIN_AFFECT_CONFIG && !dom->life.persistent) {
        vg_set_error(error, VG_ERR_OPERATION_INVALID, _("transient domains do not have any persistent config"));
        return FALSE;
    }
    return TRUE;
}

gboolean vg_affect_is_one(guint flags, GError **error) {
    if ((flags & VG_AFFECT) != VG_AFFECT)
        return TRUE;
    vg_set_error(error, VG_ERR_INVALID_ARG, _("live and config exclude each other"));
    return FALSE;
}

gboolean vg_affect_write_config(VgOp *op, GError **error) {
    g_autofree char *path = vg_def_path(op->hub, op->dom->name);
    g_autofree char *xml = vg_domain_format(op->def, VG_XML_SECURE | VG_XML_INACTIVE);
    return vg_durable_write(path, xml, strlen(xml), TRUE, error);
}

void vg_affect_take_config(VgOp *op) {
    VgDom *dom = op->dom;
    g_free(dom->xml);
    dom->xml = vg_domain_format(op->def, VG_XML_SECURE | VG_XML_INACTIVE);
    vg_dom_facts_of(op->def, &dom->facts);
}
