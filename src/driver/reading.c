/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reading.c: XML that a client sends becomes a struct: a small one at once; on a worker, one that would hold up the
 * main loop, or that is to be validated.
 */
#include "driver/hub.h"

#include <string.h>

#define AT_ONCE_BYTES (32u << 10) /* a quarter of a millisecond */

typedef struct {
    VgDriverState *hub;
    char *xml;
    guint flags;
    gboolean validate;
    VgDone done;
    VgReadFunc then;
    VgDomain *def;
    GError *error;
} Reading;

static void go_on(VgDriverState *hub, VgDomain *def, GError *error, guint flags, VgReadFunc then, VgDone done) {
    if (def)
        then(hub, def, flags, done);
    else
        vg_done_error(done, error);
}

static void reading_run(gpointer data) {
    Reading *reading = data;
    reading->def = vg_domain_parse(reading->xml, VG_XML_INACTIVE, &reading->error);
    if (reading->def && reading->validate &&
        !vg_domain_check_schema(reading->hub->schema, reading->xml, &reading->error))
        g_clear_pointer(&reading->def, vg_domain_free);
}

static void reading_done(gpointer data) {
    Reading *reading = data;
    go_on(reading->hub, reading->def, reading->error, reading->flags, reading->then, reading->done);
    g_free(reading->xml);
    g_free(reading);
}

void vg_read_def(VgDriverState *hub, const char *xml, guint flags, gboolean validate, VgReadFunc then, VgDone done) {
    GError *error = NULL;
    gsize len = strlen(xml);
    if (len <= AT_ONCE_BYTES && !validate) {
        VgDomain *def = vg_domain_parse(xml, VG_XML_INACTIVE, &error);
        go_on(hub, def, error, flags, then, done);
        return;
    }
    Reading *reading = g_new0(Reading, 1);
    *reading = (Reading){
        .hub = hub, .xml = g_strndup(xml, len), .flags = flags, .validate = validate, .done = done, .then = then};
    vg_job_alone(VG_JOB_HOST, reading_run, reading_done, reading);
}
