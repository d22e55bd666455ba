/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * calls: how long a call takes through libvirt's own client library. One client, one call after the other; prints one
 * line of JSON: for each measure the median and the 99th percentile in microseconds. bench/run-calls puts servers side
 * by side.
 *
 * usage: calls URI ROUNDS [MEASURE...]
 */
#include <glib.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    const char *uri;
    virConnectPtr conn;
    virDomainPtr dom;
    guint serial;
} Bench;

static const char guest[] = "<domain type='%s'><name>%s</name><memory>65536</memory><vcpu>1</vcpu>"
                            "<os><type>hvm</type></os></domain>";

static gboolean connect_once(Bench *bench) {
    virConnectPtr conn = virConnectOpen(bench->uri);
    return conn != NULL && virConnectClose(conn) == 0;
}

static gboolean lib_version(Bench *bench) {
    unsigned long version;
    return virConnectGetLibVersion(bench->conn, &version) == 0;
}

static gboolean lookup(Bench *bench) {
    virDomainPtr dom = virDomainLookupByName(bench->conn, "d00001");
    return dom != NULL && virDomainFree(dom) == 0;
}

static gboolean info(Bench *bench) {
    virDomainInfo ret;
    return virDomainGetInfo(bench->dom, &ret) == 0;
}

static gboolean state(Bench *bench) {
    int ret;
    return virDomainGetState(bench->dom, &ret, NULL, 0) == 0;
}

static gboolean xml(Bench *bench) {
    g_autofree char *text = virDomainGetXMLDesc(bench->dom, 0);
    return text != NULL;
}

static gboolean list(Bench *bench) {
    virDomainPtr *doms;
    int n = virConnectListAllDomains(bench->conn, &doms, 0);
    for (int i = 0; i < n; i++)
        virDomainFree(doms[i]);
    if (n >= 0)
        free(doms);
    return n >= 0;
}

static gboolean define(Bench *bench) {
    g_autofree char *name = g_strdup_printf("bench-%u", bench->serial++);
    const char *type = strstr(bench->uri, "test") != NULL ? "test" : "xen";
    g_autofree char *text = g_strdup_printf(guest, type, name);
    virDomainPtr dom = virDomainDefineXML(bench->conn, text);
    if (dom == NULL)
        return FALSE;
    virDomainUndefine(dom);
    return virDomainFree(dom) == 0;
}

static const struct {
    const char *name;
    gboolean (*run)(Bench *);
    guint divisor; /* rare and long ones are called less often */
} measures[] = {
    {"connect", connect_once, 5}, {"libversion", lib_version, 1},
    {"lookup", lookup, 1},        {"info", info, 1},
    {"state", state, 1},          {"xml", xml, 1},
    {"list", list, 50},           {"define", define, 10},
};

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static gboolean measure(Bench *bench, gsize which, guint rounds, gboolean first) {
    guint n = MAX(rounds / measures[which].divisor, 20);
    g_autofree double *us = g_new(double, n);
    for (guint i = 0; i < n; i++) {
        struct timespec t0, t1;
        clock_gettime(CLOCK_MONOTONIC, &t0);
        if (!measures[which].run(bench)) {
            fprintf(stderr, "%s: %s\n", measures[which].name, virGetLastErrorMessage());
            return FALSE;
        }
        clock_gettime(CLOCK_MONOTONIC, &t1);
        us[i] = (double)(t1.tv_sec - t0.tv_sec) * 1e6 + (double)(t1.tv_nsec - t0.tv_nsec) / 1e3;
    }
    qsort(us, n, sizeof(*us), ascending);
    printf("%s\"%s\": {\"p50\": %.1f, \"p99\": %.1f, \"n\": %u}", first ? "" : ", ", measures[which].name, us[n / 2],
           us[n * 99 / 100], n);
    return TRUE;
}

static gboolean wanted(const char *name, int argc, char **argv) {
    for (int i = 3; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return TRUE;
    return argc <= 3;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: calls URI ROUNDS [MEASURE...]\n");
        return 2;
    }
    Bench bench = {.uri = argv[1], .conn = virConnectOpen(argv[1])};
    if (bench.conn == NULL || (bench.dom = virDomainLookupByName(bench.conn, "d00001")) == NULL) {
        fprintf(stderr, "%s: %s\n", argv[1], virGetLastErrorMessage());
        return 1;
    }
    gboolean first = TRUE, ok = TRUE;
    printf("{");
    for (gsize i = 0; ok && i < G_N_ELEMENTS(measures); i++) {
        if (!wanted(measures[i].name, argc, argv))
            continue;
        ok = measure(&bench, i, (guint)strtoul(argv[2], NULL, 10), first);
        first = FALSE;
    }
    printf("}\n");
    virDomainFree(bench.dom);
    virConnectClose(bench.conn);
    return ok ? 0 : 1;
}
