/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * table.c: procedures.def twice: as wrappers that give each handler its own types back, and as the arrays.
 */
#include "config.h"
#include "proc/table.h"

bool_t xdr_remote_void(XDR *xdrs, remote_void *nothing) {
    return TRUE;
}

/* A handler's arguments arrive as void pointers; the conversion is made in a function of the right type, no function
 * pointer is cast. */
#define VG_FAST(number, name, args, ret, who, needs)                                                                   \
    G_STATIC_ASSERT(sizeof(args) <= VG_ARGS_MAX && sizeof(ret) <= VG_ARGS_MAX);                                        \
    static gboolean call_##name(VgCall *call, gconstpointer a, gpointer r, GError **error) {                           \
        return vg_do_##name(call, a, r, error);                                                                        \
    }
#define VG_FIGURES VG_FAST
#define VG_SLOW(number, name, args, answer, who, needs)                                                                \
    G_STATIC_ASSERT(sizeof(args) <= VG_ARGS_MAX);                                                                      \
    static void call_##name(VgCall *call, gconstpointer a, VgDone done) {                                              \
        vg_do_##name(call, a, done);                                                                                   \
    }
#define VG_STREAM(number, name, args, answer, who, needs)                                                              \
    G_STATIC_ASSERT(sizeof(args) <= VG_ARGS_MAX);                                                                      \
    static void call_##name(VgCall *call, gconstpointer a, VgStreamDone done) {                                        \
        vg_do_##name(call, a, done);                                                                                   \
    }
#define VG_GRID(query, who)
#include "proc/procedures.def"
#undef VG_FAST
#undef VG_FIGURES
#undef VG_SLOW
#undef VG_STREAM
#undef VG_GRID

static void call_grid(VgCall *call, gconstpointer a, VgDone done) {
    vg_do_grid(call, a, done);
}

#define VG_READS(number, title, args, ret, right, need, waits)                                                         \
    [number] = {.name = #title,                                                                                        \
                .who = VG_WHO_##right,                                                                                 \
                .needs = #need,                                                                                        \
                .needs_offset = G_STRUCT_OFFSET(VgDriver, need),                                                       \
                .args_proc = (xdrproc_t)xdr_##args,                                                                    \
                .args_size = sizeof(args),                                                                             \
                .ret_proc = (xdrproc_t)xdr_##ret,                                                                      \
                .ret_size = sizeof(ret),                                                                               \
                .figures = waits,                                                                                      \
                .fast = call_##title},
#define VG_FAST(...) VG_READS(__VA_ARGS__, FALSE)
#define VG_FIGURES(...) VG_READS(__VA_ARGS__, TRUE)
#define VG_LATER(number, title, args, result, right, need, kind)                                                       \
    [number] = {.name = #title,                                                                                        \
                .who = VG_WHO_##right,                                                                                 \
                .needs = #need,                                                                                        \
                .needs_offset = G_STRUCT_OFFSET(VgDriver, need),                                                       \
                .args_proc = (xdrproc_t)xdr_##args,                                                                    \
                .args_size = sizeof(args),                                                                             \
                .answer = VG_ANSWER_##result,                                                                          \
                .kind = call_##title},
#define VG_SLOW(number, title, args, result, right, need) VG_LATER(number, title, args, result, right, need, slow)
#define VG_STREAM(number, title, args, result, right, need) VG_LATER(number, title, args, result, right, need, stream)
#define VG_GRID(query, right)
static const VgRow remote_rows[] = {
#include "proc/procedures.def"
};
#undef VG_FAST
#undef VG_FIGURES
#undef VG_SLOW
#undef VG_STREAM
#undef VG_GRID

#define VG_FAST(number, name, args, ret, who, needs)
#define VG_FIGURES(number, name, args, ret, who, needs)
#define VG_SLOW(number, name, args, answer, who, needs)
#define VG_STREAM(number, name, args, answer, who, needs)
#define VG_GRID(query, right)                                                                                          \
    [VG_GRID_##query] = {.name = "grid " #query,                                                                       \
                         .who = VG_WHO_##right,                                                                        \
                         .needs = "grid",                                                                              \
                         .needs_offset = G_STRUCT_OFFSET(VgDriver, grid),                                              \
                         .args_proc = (xdrproc_t)xdr_grid_args,                                                        \
                         .args_size = sizeof(grid_args),                                                               \
                         .answer = VG_ANSWER_TEXT,                                                                     \
                         .slow = call_grid},
static const VgRow grid_rows[VG_GRID_LAST] = {
#include "proc/procedures.def"
};
#undef VG_FAST
#undef VG_FIGURES
#undef VG_SLOW
#undef VG_STREAM
#undef VG_GRID

static const struct {
    guint32 program, version;
    const VgRow *rows;
    gsize n;
} programs[] = {
    {VG_REMOTE_PROGRAM, VG_REMOTE_VERSION, remote_rows, G_N_ELEMENTS(remote_rows)},
    {GRID_PROGRAM, GRID_VERSION, grid_rows, G_N_ELEMENTS(grid_rows)},
};

const VgRow *vg_table_rows(guint32 program, gsize *ret_n) {
    for (gsize i = 0; i < G_N_ELEMENTS(programs); i++) {
        if (programs[i].program == program) {
            *ret_n = programs[i].n;
            return programs[i].rows;
        }
    }
    *ret_n = 0;
    return NULL;
}

const VgRow *vg_table_find(const VgMsgHeader *header, GError **error) {
    for (gsize i = 0; i < G_N_ELEMENTS(programs); i++) {
        if (programs[i].program != header->program || programs[i].version != header->version)
            continue;
        if (header->status != VG_MSG_OK) {
            vg_set_error(error, VG_ERR_RPC, _("Unexpected message status %u"), (guint)header->status);
            return NULL;
        }
        if (header->procedure < 0 || (gsize)header->procedure >= programs[i].n ||
            programs[i].rows[header->procedure].name == NULL) {
            /* Clients look for these very words and then fall back to older calls: never translated. */
            vg_set_error(error, VG_ERR_RPC, "unknown procedure: %d", header->procedure);
            return NULL;
        }
        return &programs[i].rows[header->procedure];
    }
    vg_set_error(error, VG_ERR_RPC, _("Cannot find program %u version %u"), header->program, header->version);
    return NULL;
}
