/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mig.c: see mig.h. Talks to the host seam. */
#include "config.h"

#include "gpu/mig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/i18n.h"

char *vg_mig_profile(const char *type_name) {
    for (const char *at = strchr(type_name, '-'); at != NULL; at = strchr(at + 1, '-')) {
        guint slices, gib;
        char series[8];
        if (sscanf(at, "-%1u-%4u%7[A-Z]", &slices, &gib, series) == 3)
            return g_strdup_printf("%ug.%ugb%s", slices, gib, g_str_has_suffix(series, "ME") ? "+me" : "");
    }
    return NULL;
}

static char *profile_of(const VgPlace *place, GError **error) {
    char *profile = vg_mig_profile(place->type_name);
    if (profile == NULL)
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED, _("it is not known which GPU instance type %s is on"),
                     place->type_name);
    return profile;
}

/* The one that begins where @place does, of its profile; NULL: none. */
static const VgGpuInstance *find(const GArray *instances, const VgPlace *place, const char *profile) {
    for (guint i = 0; i < instances->len; i++) {
        const VgGpuInstance *one = &g_array_index(instances, VgGpuInstance, i);
        if ((int)one->start == place->start && strcmp(one->profile, profile) == 0)
            return one;
    }
    return NULL;
}

gboolean vg_mig_look(VgGpuHost *host, const VgPlace *place, guint size, gboolean *ret_found, GError **error) {
    char addr[VG_PCIADDR_TEXT];
    guint start = (guint)place->start;
    g_autofree char *profile = profile_of(place, error);
    g_autoptr(GArray) instances = profile != NULL ? host->ops->instances(host, &place->gpu, error) : NULL;
    if (instances == NULL)
        return FALSE;
    *ret_found = find(instances, place, profile) != NULL;
    for (guint i = 0; !*ret_found && i < instances->len; i++) {
        const VgGpuInstance *one = &g_array_index(instances, VgGpuInstance, i);
        if (one->start >= start + size || start >= one->start + one->size)
            continue;
        vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                     _("GPU instance %u of GPU %s (%s at %u:%u) was made by other hands and is where the %s of a vGPU "
                       "of type %s would be; take it away: nvidia-smi mig -dgi -gi %u -i %s"),
                     one->id, vg_pciaddr_format(&place->gpu, addr), one->profile, one->start, one->size, profile,
                     place->type_name, one->id, addr);
        return FALSE;
    }
    return TRUE;
}

static gboolean failed(const VgPlace *place, const char *what, GError **error) {
    vg_set_errno(error, EIO, _("cannot %s the GPU instance of a vGPU of type %s"), what, place->type_name);
    return FALSE;
}

gboolean vg_mig_make(VgGpuHost *host, const VgPlace *place, guint size, GError **error) {
    gboolean there = FALSE;
    g_autofree char *profile = profile_of(place, error);
    if (profile == NULL || !vg_mig_look(host, place, size, &there, error))
        return FALSE;
    if (there)
        return TRUE;
    if (vg_fault("gpu.mig.make"))
        return failed(place, "make", error);
    VgGpuInstance wanted = {.start = (guint)place->start, .size = size};
    g_strlcpy(wanted.profile, profile, sizeof wanted.profile);
    return host->ops->make_instance(host, &place->gpu, &wanted, error) &&
           (!vg_fault("gpu.mig.made") || failed(place, "make", error));
}

gboolean vg_mig_drop(VgGpuHost *host, const VgPlace *place, GError **error) {
    g_autofree char *profile = profile_of(place, error);
    g_autoptr(GArray) instances = profile != NULL ? host->ops->instances(host, &place->gpu, error) : NULL;
    if (instances == NULL)
        return FALSE;
    const VgGpuInstance *one = find(instances, place, profile);
    if (one == NULL)
        return TRUE;
    if (vg_fault("gpu.mig.drop"))
        return failed(place, "take away", error);
    return host->ops->drop_instance(host, &place->gpu, one, error) &&
           (!vg_fault("gpu.mig.dropped") || failed(place, "take away", error));
}
