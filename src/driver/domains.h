/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domains.h: the list of domains. A defined domain that nobody looks at is its canonical XML and the small header
 * below; its struct is made when needed. What runs hangs on `run`. Main loop only.
 */
#pragma once

#include <glib.h>

#include "base/job.h"
#include "base/uuid.h"
#include "life/life.h"
#include "model/domain.h"

typedef struct VgDom VgDom;
typedef struct VgRun VgRun; /* driver/run.h */

/* What queries answer without parsing. */
typedef struct {
    guint64 max_mem_kib, mem_kib;
    guint vcpus, max_vcpus;
    guint8 os_type; /* VgOsType */
    guint8 vgpus;   /* it asks for some */
} VgDomFacts;
void vg_dom_facts_of(const VgDomain *def, VgDomFacts *ret);

struct VgDom {
    VgUuid uuid;
    char *name;
    char *xml; /* canonical inactive XML, with secrets; of a transient one what it was made of. NULL: being defined */
    VgDomFacts facts; /* of xml, or of the live definition of a transient one */
    VgLife life;
    gboolean autostart;
    gboolean saved;   /* there is a managed save of it */
    gboolean hidden;  /* being defined: its name and UUID are taken, but nobody sees it */
    gboolean updated; /* its definition changed while it ran */
    gboolean gone;    /* no longer in the list */
    gint refs;
    VgRun *run;        /* while it has something on the host, or is on its way */
    GQueue *ops;       /* waiting and running VgOp; NULL when idle */
    VgJobQueue *queue; /* theirs; NULL when idle */
    gboolean kicking;  /* the loop that begins operations is on the stack */
    VgRun *leftover;   /* what could not be taken down; next start tries again */
};

typedef struct {
    GHashTable *by_uuid, *by_name, *by_id; /* by_uuid owns a reference */
    GQueue leftovers;                      /* VgRun of domains that left the list: every start tries the first again */
} VgDoms;

void vg_doms_init(VgDoms *doms);
void vg_doms_clear(VgDoms *doms);

VgDom *vg_doms_find(const VgDoms *doms, const VgUuid *uuid); /* hidden ones too */
VgDom *vg_doms_find_name(const VgDoms *doms, const char *name);
VgDom *vg_doms_find_id(const VgDoms *doms, int id);

/* A new one, not yet in a list. */
VgDom *vg_dom_new(const VgUuid *uuid, const char *name, gboolean persistent);
VgDom *vg_dom_ref(VgDom *dom);
void vg_dom_unref(VgDom *dom);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgDom, vg_dom_unref)

/* Takes over the caller's reference. Neither UUID nor name may be in the list. */
void vg_doms_add(VgDoms *doms, VgDom *dom);
/* A new one made of a definition, in the list. Borrowed. */
VgDom *vg_doms_add_def(VgDoms *doms, const VgDomain *def, gboolean persistent);
void vg_doms_remove(VgDoms *doms, VgDom *dom);
/* Keeps by_id; @id -1: none any more. */
void vg_doms_set_id(VgDoms *doms, VgDom *dom, int id);
int vg_dom_id(const VgDom *dom);

/*
 * What libvirt says of a newcomer: OPERATION_FAILED when the name or the UUID is another's. @ret_known: the domain with
 * both, or NULL.
 */
gboolean vg_doms_admit(const VgDoms *doms, const VgUuid *uuid, const char *name, VgDom **ret_known, GError **error);

/* The definition as a struct: the caller's. @live: of what runs. */
VgDomain *vg_dom_parse(const VgDom *dom, GError **error);
