/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * table.h: the procedures as an array, and the declarations of their handlers with the exact types (procedures.def).
 */
#pragma once

#include "proc/call.h"
#include "proc/grid_xdr.h"

typedef enum { VG_WHO_ANYONE, VG_WHO_READER, VG_WHO_WRITER } VgWho;
typedef enum { VG_ANSWER_NOTHING, VG_ANSWER_DOMAIN, VG_ANSWER_TEXT, VG_ANSWER_MIME, VG_ANSWER_NODEDEV } VgAnswer;

/* No argument or reply structure is larger. */
#define VG_ARGS_MAX 128

struct VgRow {
    const char *name; /* "domain_get_info"; NULL: no such procedure */
    VgWho who;
    const char *needs; /* name of the driver's function */
    gsize needs_offset;
    xdrproc_t args_proc, ret_proc;
    gsize args_size, ret_size;
    VgAnswer answer;  /* of a slow call */
    gboolean figures; /* a fast one that waits for fresh figures */
    /* Exactly one of the three. */
    gboolean (*fast)(VgCall *call, gconstpointer args, gpointer ret, GError **error);
    void (*slow)(VgCall *call, gconstpointer args, VgDone done);
    void (*stream)(VgCall *call, gconstpointer args, VgStreamDone done);
};

/* The row of a call, or NULL with the error that libvirtd gives. */
const VgRow *vg_table_find(const VgMsgHeader *header, GError **error);
/* For tests: all rows of a program, by number; entries without a name are gaps. */
const VgRow *vg_table_rows(guint32 program, gsize *ret_n);

bool_t xdr_remote_void(XDR *xdrs, remote_void *nothing);
bool_t xdr_remote_stats(XDR *xdrs, remote_stats *stats);

#define VG_FAST(number, name, args, ret, who, needs)                                                                   \
    gboolean vg_do_##name(VgCall *call, const args *a, ret *r, GError **error);
#define VG_FIGURES VG_FAST
#define VG_SLOW(number, name, args, answer, who, needs) void vg_do_##name(VgCall *call, const args *a, VgDone done);
#define VG_STREAM(number, name, args, answer, who, needs)                                                              \
    void vg_do_##name(VgCall *call, const args *a, VgStreamDone done);
#define VG_GRID(query, who)
#include "proc/procedures.def"
#undef VG_FAST
#undef VG_FIGURES
#undef VG_SLOW
#undef VG_STREAM
#undef VG_GRID
void vg_do_grid(VgCall *call, const grid_args *a, VgDone done);
