/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cpuset.c: sets of CPUs as text: "0-3,^2" is read, "0-1,3" is written. */
#include "config.h"
#include "model/cpuset.h"

#include <string.h>

static gboolean take_number(const char **p, guint *ret) {
    guint value = 0;
    const char *start = *p;
    while (g_ascii_isdigit(**p) && value <= VG_CPUSET_MAX)
        value = value * 10 + (guint)(*(*p)++ - '0');
    *ret = value;
    return *p > start && value < VG_CPUSET_MAX;
}

static const char *skip_blanks(const char *p) {
    while (g_ascii_isspace(*p))
        p++;
    return p;
}

gboolean vg_cpuset_parse(const char *text, guint8 map[VG_CPUSET_MAX / 8]) {
    memset(map, 0, VG_CPUSET_MAX / 8);
    for (const char *p = skip_blanks(text);; p++) {
        p = skip_blanks(p);
        gboolean without = *p == '^';
        p += without;
        guint first, last;
        if (!take_number(&p, &first))
            return FALSE;
        last = first;
        if (*p == '-' && !without) {
            p++;
            if (!take_number(&p, &last) || last < first)
                return FALSE;
        }
        for (guint cpu = first; cpu <= last; cpu++)
            if (without)
                map[cpu / 8] &= (guint8) ~(1u << cpu % 8);
            else
                map[cpu / 8] |= (guint8)(1u << cpu % 8);
        p = skip_blanks(p);
        if (*p == '\0')
            return TRUE;
        if (*p != ',')
            return FALSE;
    }
}

static gboolean has_cpu(const guint8 *map, guint cpu) {
    return cpu < VG_CPUSET_MAX && (map[cpu / 8] >> cpu % 8 & 1);
}

char *vg_cpuset_format(const guint8 map[VG_CPUSET_MAX / 8]) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint cpu = 0; cpu < VG_CPUSET_MAX; cpu++) {
        if (!has_cpu(map, cpu))
            continue;
        guint last = cpu;
        while (has_cpu(map, last + 1))
            last++;
        g_string_append_printf(text, "%s%u", text->len > 0 ? "," : "", cpu);
        if (last > cpu)
            g_string_append_printf(text, "-%u", last);
        cpu = last;
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

gboolean vg_cpuset_normalize(char **text) {
    guint8 map[VG_CPUSET_MAX / 8];
    if (*text == NULL)
        return TRUE;
    if (!vg_cpuset_parse(*text, map))
        return FALSE;
    char *normal = vg_cpuset_format(map);
    g_free(*text);
    *text = *normal == '\0' ? NULL : normal;
    if (*text == NULL)
        g_free(normal);
    return *text != NULL;
}
