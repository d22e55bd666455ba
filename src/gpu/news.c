/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* news.c: see news.h. Each driver's way of saying it is a row or a function of its own. */
#include "config.h"

#include <string.h>

#include "gpu/news.h"

/* After which of the vendor's errors nobody should get the GPU before it was reset or repaired. */
static const guint16 xid_failures[] = {
    48,  /* memory error of two bits */
    62,  /* its power controller halted */
    64,  /* a bad row of memory could not be mapped away */
    79,  /* fallen off the bus */
    95,  /* memory error that was not contained */
    119, /* its system processor does not answer */
    120, /* its system processor failed */
    140, /* memory error that was not corrected */
    143, /* it could not be initialised */
};
#define XID_RECOVERY 154 /* "GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)" */

static gboolean is_failure(guint64 xid, const char *words) {
    for (gsize i = 0; i < G_N_ELEMENTS(xid_failures); i++)
        if (xid_failures[i] == xid)
            return TRUE;
    return xid == XID_RECOVERY && strstr(words, " to 0x0 ") == NULL;
}

/* "0000:05:00", "0000:05:00.0", with "PCI:" before it or not; @end: where it must end. */
static gboolean read_address(const char *text, const char *end, VgPciAddr *ret) {
    if (g_str_has_prefix(text, "PCI:"))
        text += strlen("PCI:");
    if (end <= text || end - text > VG_PCIADDR_TEXT)
        return FALSE;
    g_autofree char *address = g_strndup(text, (gsize)(end - text));
    g_autofree char *whole = strchr(address, '.') != NULL ? g_strdup(address) : g_strconcat(address, ".0", NULL);
    return vg_pciaddr_parse(whole, ret);
}

static gboolean read_xid(const char *text, VgGpuNews *ret) {
    const char *at = text + strlen("NVRM: Xid ("), *end = strchr(at, ')');
    if (end == NULL || !read_address(at, end, &ret->gpu) || !g_str_has_prefix(end, "): "))
        return FALSE;
    char *words;
    guint64 xid = g_ascii_strtoull(end + strlen("): "), &words, 10);
    if (*words == ',')
        words++;
    if (!is_failure(xid, words))
        return FALSE;
    g_snprintf(ret->why, sizeof ret->why, "Xid %u: %s", (guint)MIN(xid, G_MAXUINT16), g_strchug(words));
    return TRUE;
}

/* "NVRM: GPU 0000:05:00.0: GPU has fallen off the bus." */
static gboolean read_off_bus(const char *text, VgGpuNews *ret) {
    const char *at = text + strlen("NVRM: GPU "), *end = strstr(at, ": ");
    if (end == NULL || strstr(end, "fallen off the bus") == NULL || !read_address(at, end, &ret->gpu))
        return FALSE;
    g_strlcpy(ret->why, "it has fallen off the bus", sizeof ret->why);
    return TRUE;
}

/* "amdgpu 0000:05:00.0: amdgpu: GPU reset end with ret = -110" */
static gboolean read_amd_reset(const char *text, VgGpuNews *ret) {
    const char *at = text + strlen("amdgpu "), *end = strstr(at, ": ");
    const char *said = strstr(at, "GPU reset end with ret = -");
    if (end == NULL || said == NULL || !read_address(at, end, &ret->gpu))
        return FALSE;
    g_snprintf(ret->why, sizeof ret->why, "its driver could not reset it: %s", said);
    return TRUE;
}

static const struct {
    const char *begin;
    gboolean (*read)(const char *text, VgGpuNews *ret);
} lines[] = {
    {"NVRM: Xid (", read_xid},
    {"NVRM: GPU ", read_off_bus},
    {"amdgpu ", read_amd_reset},
};

gboolean vg_gpu_news_of_log(const char *text, VgGpuNews *ret) {
    *ret = (VgGpuNews){.kind = VG_NEWS_FAILED};
    g_autofree char *line = g_strchomp(g_strdup(text));
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++)
        if (g_str_has_prefix(line, lines[i].begin))
            return lines[i].read(line, ret);
    return FALSE;
}

/* --- events of devices -------------------------------------------------------------------------------------------- */

static const char *value_of(const char *data, gsize len, const char *key) {
    gsize key_len = strlen(key);
    for (const char *at = data, *end; at < data + len; at = end + 1) {
        end = memchr(at, '\0', (gsize)(data + len - at));
        if (end == NULL)
            return NULL;
        if (strncmp(at, key, key_len) == 0 && at[key_len] == '=')
            return at + key_len + 1;
    }
    return NULL;
}

/* The innermost PCI function of a device's path. */
static gboolean find_address(const char *path, VgPciAddr *ret) {
    g_auto(GStrv) parts = g_strsplit(path, "/", 64);
    gboolean found = FALSE;
    for (char **part = parts; *part != NULL; part++)
        found = vg_pciaddr_parse(*part, ret) || found;
    return found;
}

/* "none": the driver has repaired it and only tells. */
static gboolean is_wedged(const char *wedged, const char *path, VgGpuNews *ret) {
    if (wedged == NULL || *wedged == '\0' || strcmp(wedged, "none") == 0 || path == NULL ||
        !find_address(path, &ret->gpu))
        return FALSE;
    g_snprintf(ret->why, sizeof ret->why, "its driver says that it hangs for good (%s)", wedged);
    return TRUE;
}

static const char *const actions[] = {"add", "remove", "bind", "unbind", NULL};

gboolean vg_gpu_news_of_event(const char *data, gsize len, VgGpuNews *ret) {
    const char *subsystem = value_of(data, len, "SUBSYSTEM"), *action = value_of(data, len, "ACTION");
    *ret = (VgGpuNews){.kind = VG_NEWS_FAILED};
    if (g_strcmp0(subsystem, "drm") == 0)
        return is_wedged(value_of(data, len, "WEDGED"), value_of(data, len, "DEVPATH"), ret);
    ret->kind = VG_NEWS_DEVICES;
    return (g_strcmp0(subsystem, "mdev") == 0 || g_strcmp0(subsystem, "pci") == 0) &&
           action != NULL && g_strv_contains(actions, action);
}
