/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* metadata.c: title, description and other people's elements of a domain, of what runs, of the definition, or of
 * both. */
#include "driver/hub.h"

#include <libvirt/libvirt.h>
#include <string.h>

#include "base/i18n.h"
#include "driver/affect.h"
#include "driver/markup.h"
#include "driver/query.h"
#include "driver/run.h"

static gboolean type_ok(int type, const char *uri, GError **error) {
    if (type < 0 || type > VIR_DOMAIN_METADATA_ELEMENT) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("unknown metadata type '%d'"), type);
        return FALSE;
    }
    if (type == VIR_DOMAIN_METADATA_ELEMENT && !(uri && *uri)) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("an element of metadata is named by its namespace"));
        return FALSE;
    }
    return TRUE;
}

static char *value_of(const VgDomain *def, int type, const char *uri) {
    if (type == VIR_DOMAIN_METADATA_DESCRIPTION)
        return g_strdup(def->description);
    if (type == VIR_DOMAIN_METADATA_TITLE)
        return g_strdup(def->title);
    return vg_markup_extract(def->metadata, uri);
}

char *vg_get_metadata(VgSession *session, const VgUuid *uuid, int type, const char *uri, guint flags, GError **error) {
    VgDom *dom = vg_hub_dom(session->hub, uuid, error);
    if (!dom || !vg_flags_known(flags, VG_AFFECT, "virDomainGetMetadata", error) || !type_ok(type, uri, error))
        return NULL;
    if (!vg_affect_is_one(flags, error) || !vg_affect_resolve(dom, &flags, error))
        return NULL;
    g_autoptr(VgDomain) own = flags & VIR_DOMAIN_AFFECT_LIVE ? NULL : vg_dom_parse(dom, error);
    const VgDomain *def = flags & VIR_DOMAIN_AFFECT_LIVE ? dom->run->def : own;
    if (!def)
        return NULL;
    char *value = value_of(def, type, uri);
    if (!value)
        vg_set_error(error, VG_ERR_NO_DOMAIN_METADATA, _("Requested metadata element is not present"));
    return value;
}

/* --- set ---------------------------------------------------------------------------------------------------------- */

static void set_text(char **place, const char *text) {
    g_free(*place);
    *place = text && *text ? g_strdup(text) : NULL;
}

/* @def with the change, read again so that what a client sent is known to be XML. */
static VgDomain *changed(const VgDomain *def, const VgOp *op, guint parse_flags, GError **error) {
    VgDomain *copy = vg_domain_copy(def);
    if (op->number == VIR_DOMAIN_METADATA_DESCRIPTION) {
        set_text(&copy->description, op->text);
    } else if (op->number == VIR_DOMAIN_METADATA_TITLE) {
        set_text(&copy->title, op->text);
    } else {
        g_autofree char *metadata = vg_markup_replace(copy->metadata, op->text3, op->text2, op->text);
        set_text(&copy->metadata, metadata);
    }
    g_autofree char *xml = vg_domain_format(copy, VG_XML_SECURE | parse_flags);
    vg_domain_free(copy);
    return vg_domain_parse(xml, parse_flags, error);
}

static void end_set(VgOp *op) {
    vg_tell(op->hub, op->dom, VG_EVENT_METADATA_CHANGE, op->number,
            op->number == VIR_DOMAIN_METADATA_ELEMENT ? op->text3 : NULL);
    vg_op_end(op, NULL);
}

static gboolean write_live(VgOp *op, GError **error) {
    return op->dom->run->foreign || vg_run_write_status(op->dom->run, error);
}

static void wrote_live(VgOp *op, GError *error) {
    if (error)
        vg_op_end(op, error);
    else
        end_set(op);
}

static void set_live(VgOp *op) {
    GError *error = NULL;
    VgDomain *def = changed(op->dom->run->def, op, 0, &error);
    if (!def) {
        vg_op_end(op, error);
        return;
    }
    vg_run_change_def(op->dom->run, def);
    vg_op_job(op, write_live, wrote_live);
}

static void wrote_config(VgOp *op, GError *error) {
    if (error) {
        vg_op_end(op, error);
        return;
    }
    vg_affect_take_config(op);
    if (op->flags & VIR_DOMAIN_AFFECT_LIVE)
        set_live(op);
    else
        end_set(op);
}

static void begin_set(VgOp *op) {
    GError *error = NULL;
    if (!vg_affect_resolve(op->dom, &op->flags, &error)) {
        vg_op_end(op, error);
        return;
    }
    if (!(op->flags & VIR_DOMAIN_AFFECT_CONFIG)) {
        set_live(op);
        return;
    }
    g_autoptr(VgDomain) def = vg_dom_parse(op->dom, &error);
    op->def = def ? changed(def, op, VG_XML_INACTIVE, &error) : NULL;
    if (op->def)
        vg_op_job(op, vg_affect_write_config, wrote_config);
    else
        vg_op_end(op, error);
}

static gboolean set_ok(int type, const char *metadata, const char *key, const char *uri, guint flags, GError **error) {
    if (!vg_flags_known(flags, VG_AFFECT, "virDomainSetMetadata", error) || !type_ok(type, uri, error))
        return FALSE;
    if (type == VIR_DOMAIN_METADATA_TITLE && metadata && strchr(metadata, '\n')) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("metadata title can't contain newlines"));
        return FALSE;
    }
    if (type == VIR_DOMAIN_METADATA_ELEMENT && metadata && !(key && vg_markup_is_name(key))) {
        vg_set_error(error, VG_ERR_INVALID_ARG, _("an element of metadata needs a key that can be an XML prefix"));
        return FALSE;
    }
    return TRUE;
}

void vg_set_metadata(VgSession *session, const VgUuid *uuid, int type, const char *metadata, const char *key,
                     const char *uri, guint flags, VgDone done) {
    GError *error = NULL;
    VgDom *dom = set_ok(type, metadata, key, uri, flags, &error) ? vg_hub_guest(session->hub, uuid, &error) : NULL;
    if (!dom) {
        vg_done_error(done, error);
        return;
    }
    VgOp *op = vg_op_new(session->hub, dom, begin_set, done);
    op->number = type;
    op->flags = flags;
    op->text = g_strdup(metadata);
    op->text2 = g_strdup(key);
    op->text3 = g_strdup(uri);
    vg_op_push(op, VG_OP_LAST);
}
