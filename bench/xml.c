/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml: what a definition costs in process, against libxml2's bare xmlReadMemory of the same text: parse, parse and
 * format, and all the way to libxl's config. Guests of three sizes, made here. Prints one line of JSON: microseconds
 * (p50) and numbers of allocations for each size.
 *
 * usage: xml ROUNDS
 */
#include <glib.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/domain.h"
#include "xen/config.h"

/* --- allocations are counted ------------------------------------------------------------------------------------ */

void *__libc_malloc(size_t len);
void *__libc_calloc(size_t n, size_t len);
void *__libc_realloc(void *old, size_t len);
static gsize allocations;

void *malloc(size_t len) {
    allocations++;
    return __libc_malloc(len);
}

void *calloc(size_t n, size_t len) {
    allocations++;
    return __libc_calloc(n, len);
}

void *realloc(void *old, size_t len) {
    allocations++;
    return __libc_realloc(old, len);
}

/* --- guests ----------------------------------------------------------------------------------------------------- */

static char *guest(guint disks, guint nics, gboolean rich) {
    GString *out =
        g_string_new("<domain type='xen'>\n  <name>guest</name>\n"
                     "  <uuid>c7a5fdbd-cdaf-9455-926a-d65c16db1809</uuid>\n"
                     "  <memory unit='KiB'>1048576</memory>\n"
                     "  <currentMemory unit='KiB'>1048576</currentMemory>\n  <vcpu placement='static'>2</vcpu>\n"
                     "  <os>\n    <type arch='x86_64' machine='xenfv'>hvm</type>\n"
                     "    <loader type='rom'>/usr/lib/xen-4.17/boot/hvmloader</loader>\n"
                     "    <boot dev='hd'/>\n  </os>\n"
                     "  <features>\n    <acpi/>\n    <apic/>\n    <pae/>\n  </features>\n"
                     "  <clock offset='utc'/>\n  <on_poweroff>destroy</on_poweroff>\n"
                     "  <on_reboot>restart</on_reboot>\n  <on_crash>restart</on_crash>\n  <devices>\n"
                     "    <emulator>/usr/bin/qemu-system-i386</emulator>\n");
    for (guint i = 0; i < disks; i++)
        g_string_append_printf(out,
                               "    <disk type='file' device='disk'>\n      <driver name='qemu' type='raw'/>\n"
                               "      <source file='/var/lib/xen/images/disk-%u.img'/>\n"
                               "      <target dev='xvd%c%c' bus='xen'/>\n    </disk>\n",
                               i, i < 26 ? 'a' + (char)i : 'a' + (char)(i / 26 - 1),
                               i < 26 ? ' ' : 'a' + (char)(i % 26));
    for (guint i = 0; i < nics; i++)
        g_string_append_printf(out,
                               "    <interface type='bridge'>\n      <mac address='00:16:3e:00:00:%02x'/>\n"
                               "      <source bridge='xenbr0'/>\n      <model type='netfront'/>\n    </interface>\n",
                               i);
    if (rich)
        g_string_append(
            out, "    <serial type='pty'>\n      <target port='0'/>\n    </serial>\n"
                 "    <console type='pty'>\n      <target type='serial' port='0'/>\n    </console>\n"
                 "    <input type='tablet' bus='usb'/>\n    <input type='mouse' bus='ps2'/>\n"
                 "    <graphics type='vnc' port='5905' autoport='no' listen='127.0.0.1'/>\n"
                 "    <video>\n      <model type='cirrus' vram='8192' heads='1' primary='yes'/>\n    </video>\n");
    g_string_append(out, "  </devices>\n</domain>\n");
    char *space = NULL;
    while ((space = strstr(out->str, " ' bus")) != NULL)
        g_string_erase(out, space - out->str, 1);
    return g_string_free(out, FALSE);
}

/* --- work --------------------------------------------------------------------------------------------------------- */

static const VgXenHostInfo host;

static void bare(const char *text) {
    xmlFreeDoc(xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_PARSE_NONET));
}

static VgDomain *parsed(const char *text) {
    GError *error = NULL;
    VgDomain *def = vg_domain_parse(text, VG_XML_INACTIVE, &error);
    if (def == NULL)
        g_error("%s", error->message);
    return def;
}

static void parse(const char *text) {
    vg_domain_free(parsed(text));
}

static void round_trip(const char *text) {
    g_autoptr(VgDomain) def = parsed(text);
    g_free(vg_domain_format(def, VG_XML_SECURE | VG_XML_INACTIVE));
}

static VgXenConfig *built(const VgDomain *def) {
    const VgXenBuild build = {.host = &host};
    GError *error = NULL;
    VgXenConfig *config = vg_xen_config_build(def, &build, &error);
    if (config == NULL)
        g_error("%s", error->message);
    return config;
}

static void translate(const char *text) {
    g_autoptr(VgDomain) def = parsed(text);
    vg_xen_config_free(built(def));
}

static const struct {
    const char *name;
    void (*run)(const char *text);
} works[] = {{"bare", bare}, {"parse", parse}, {"round", round_trip}, {"config", translate}};

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The works take turns, so that all see the same machine. */
static void measure(const char *size, const char *text, guint rounds) {
    double *us[G_N_ELEMENTS(works)];
    gsize counts[G_N_ELEMENTS(works)];
    for (gsize w = 0; w < G_N_ELEMENTS(works); w++) {
        us[w] = g_new(double, rounds);
        works[w].run(text);
        gsize before = allocations;
        works[w].run(text);
        counts[w] = allocations - before;
    }
    for (guint i = 0; i < rounds; i++)
        for (gsize w = 0; w < G_N_ELEMENTS(works); w++) {
            double begin = now_us();
            works[w].run(text);
            us[w][i] = now_us() - begin;
        }
    printf("\"%s\": {\"bytes\": %zu", size, strlen(text));
    for (gsize w = 0; w < G_N_ELEMENTS(works); w++) {
        qsort(us[w], rounds, sizeof(double), ascending);
        printf(", \"%s\": %.2f, \"%s_allocs\": %zu", works[w].name, us[w][rounds / 2], works[w].name, counts[w]);
        g_free(us[w]);
    }
    printf("}");
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        guint disks, nics, divisor;
        gboolean rich;
    } sizes[] = {{"small", 1, 0, 1, FALSE}, {"medium", 4, 2, 1, TRUE}, {"huge", 100, 64, 10, TRUE}};
    guint rounds = argc == 2 ? (guint)strtoul(argv[1], NULL, 10) : 0;
    if (rounds < 10) {
        fprintf(stderr, "usage: xml ROUNDS\n");
        return 2;
    }
    printf("{");
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *text = guest(sizes[i].disks, sizes[i].nics, sizes[i].rich);
        printf("%s", i == 0 ? "" : ", ");
        measure(sizes[i].name, text, rounds / sizes[i].divisor);
    }
    printf("}\n");
    return 0;
}
