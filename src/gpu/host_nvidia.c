/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * host_nvidia.c: see host_nvidia.h. Part of the real side of the host seam. Forms of output are as NVIDIA's guides show
 * them.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "gpu/host_nvidia.h"
#include "gpu/smi.h"

#define PATIENCE_MS 30000 /* a change of mode may reset the GPU */

static char *run(VgGpuHost *host, GError **error, const char *const *args) {
    if (vg_smi_is_there(host->root))
        return vg_smi_run(host->root, args, PATIENCE_MS, &host->smi_left, error);
    vg_set_error(error, VG_ERR_NO_SUPPORT,
                 _("nvidia-smi is not installed on this host; it comes with the driver and is needed for the mode of a "
                   "GPU and its instances"));
    return NULL;
}
#define RUN(host, error, ...) run(host, error, (const char *const[]){__VA_ARGS__, NULL})

/* "        vGPU Heterogeneous Mode               : Enabled" */
char *vg_nvidia_field(const char *text, const char *section, const char *field) {
    const char *from = section != NULL ? strstr(text, section) : text;
    const char *at = from != NULL ? strstr(from, field) : NULL, *colon = at != NULL ? strchr(at, ':') : NULL;
    if (colon == NULL || memchr(at, '\n', (gsize)(colon - at)) != NULL)
        return NULL;
    return g_strstrip(g_strndup(colon + 1, strcspn(colon + 1, "\n")));
}

/* --- modes -------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *section, *field;
} modes[VG_DRIVER_MODE_LAST] = {
    [VG_DRIVER_MIXED] = {NULL, "vGPU Heterogeneous Mode"},
    [VG_DRIVER_MIG] = {"MIG Mode", "Current"},
};

gboolean vg_nvidia_get_mode(VgGpuHost *host, const VgPciAddr *gpu, VgGpuDriverMode mode, gboolean *ret,
                            GError **error) {
    char addr[VG_PCIADDR_TEXT];
    vg_pciaddr_format(gpu, addr);
    g_autofree char *text = RUN(host, error, "-q", "-i", addr);
    if (text == NULL)
        return FALSE;
    g_autofree char *value = vg_nvidia_field(text, modes[mode].section, modes[mode].field);
    *ret = g_strcmp0(value, "Enabled") == 0;
    if (*ret || g_strcmp0(value, "Disabled") == 0)
        return TRUE;
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                 mode == VG_DRIVER_MIG ? _("GPU %s cannot be cut into GPU instances, says its driver (%s)")
                                       : _("GPU %s has no mode for vGPUs of mixed sizes, says its driver (%s)"),
                 addr, value != NULL ? value : "-");
    return FALSE;
}

gboolean vg_nvidia_set_mode(VgGpuHost *host, const VgPciAddr *gpu, VgGpuDriverMode mode, gboolean on, GError **error) {
    char addr[VG_PCIADDR_TEXT];
    vg_pciaddr_format(gpu, addr);
    const char *value = on ? "1" : "0";
    g_autofree char *text = mode == VG_DRIVER_MIXED ? RUN(host, error, "vgpu", "-shm", value, "-i", addr)
                                                    : RUN(host, error, "-mig", value, "-i", addr);
    return text != NULL;
}

/* --- GPU instances ------------------------------------------------------------------------------------------------ */

/* "|   0  MIG 1g.5gb+me       20        9          2:1     |" */
GArray *vg_nvidia_read_instances(const char *text) {
    GArray *instances = g_array_new(FALSE, FALSE, sizeof(VgGpuInstance));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        VgGpuInstance i = {.id = 0};
        guint profile_id;
        if (sscanf(*line, "| %*u MIG %31s %u %u %u:%u", i.profile, &profile_id, &i.id, &i.start, &i.size) == 5)
            g_array_append_val(instances, i);
    }
    return instances;
}

GArray *vg_nvidia_instances(VgGpuHost *host, const VgPciAddr *gpu, GError **error) {
    char addr[VG_PCIADDR_TEXT];
    g_autoptr(GError) why = NULL;
    g_autofree char *text = RUN(host, &why, "mig", "-lgi", "-i", vg_pciaddr_format(gpu, addr));
    if (text != NULL)
        return vg_nvidia_read_instances(text);
    if (strstr(why->message, "No GPU instances found") != NULL) /* it fails if there is nothing to list */
        return g_array_new(FALSE, FALSE, sizeof(VgGpuInstance));
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

gboolean vg_nvidia_make_instance(VgGpuHost *host, const VgPciAddr *gpu, const VgGpuInstance *wanted, GError **error) {
    char addr[VG_PCIADDR_TEXT];
    g_autofree char *what = g_strdup_printf("%s:%u", wanted->profile, wanted->start);
    g_autofree char *text = RUN(host, error, "mig", "-cgi", what, "-i", vg_pciaddr_format(gpu, addr));
    return text != NULL;
}

gboolean vg_nvidia_drop_instance(VgGpuHost *host, const VgPciAddr *gpu, const VgGpuInstance *instance, GError **error) {
    char addr[VG_PCIADDR_TEXT];
    g_autofree char *id = g_strdup_printf("%u", instance->id);
    g_autofree char *text = RUN(host, error, "mig", "-dgi", "-gi", id, "-i", vg_pciaddr_format(gpu, addr));
    return text != NULL;
}
