/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* host_nvidia.c: runs nvidia-smi. Part of the real side of the host seam. */
#include "config.h"

#include <string.h>

#include "base/i18n.h"
#include "gpu/host_nvidia.h"

#define PROGRAM "nvidia-smi"

/* What it printed; NULL if it failed. */
static char *run(char **argv, GError **error) {
    g_autoptr(GError) why = NULL;
    g_autofree char *out = NULL, *complaint = NULL;
    int status = 0;
    if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &complaint, &status, &why)) {
        vg_set_error(error, VG_ERR_NO_SUPPORT,
                     _("%s cannot be run: %s; it comes with the driver and is needed for the mode of a GPU"), PROGRAM,
                     why->message);
        return NULL;
    }
    if (g_spawn_check_wait_status(status, &why))
        return g_steal_pointer(&out);
    const char *said = complaint != NULL && *g_strchomp(complaint) != '\0' ? complaint : g_strchomp(out);
    vg_set_error(error, VG_ERR_OPERATION_FAILED, "%s: %s", PROGRAM, *said != '\0' ? said : why->message);
    return NULL;
}

/* "        vGPU Heterogeneous Mode               : Enabled" */
char *vg_nvidia_field(const char *text, const char *field) {
    const char *at = strstr(text, field), *colon = at != NULL ? strchr(at, ':') : NULL;
    if (colon == NULL || memchr(at, '\n', (gsize)(colon - at)) != NULL)
        return NULL;
    return g_strstrip(g_strndup(colon + 1, strcspn(colon + 1, "\n")));
}

gboolean vg_nvidia_get_mixed(VgGpuHost *host, const VgPciAddr *gpu, gboolean *ret, GError **error) {
    char addr[VG_PCIADDR_TEXT];
    vg_pciaddr_format(gpu, addr);
    char *argv[] = {PROGRAM, "-q", "-i", addr, NULL};
    g_autofree char *text = run(argv, error);
    if (text == NULL)
        return FALSE;
    g_autofree char *value = vg_nvidia_field(text, "vGPU Heterogeneous Mode");
    *ret = g_strcmp0(value, "Enabled") == 0;
    if (*ret || g_strcmp0(value, "Disabled") == 0)
        return TRUE;
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                 _("GPU %s has no mode for vGPUs of mixed sizes, says its driver (%s)"), addr,
                 value != NULL ? value : "-");
    return FALSE;
}

gboolean vg_nvidia_set_mixed(VgGpuHost *host, const VgPciAddr *gpu, gboolean on, GError **error) {
    char addr[VG_PCIADDR_TEXT];
    vg_pciaddr_format(gpu, addr);
    char *argv[] = {PROGRAM, "vgpu", "-shm", on ? "1" : "0", "-i", addr, NULL};
    g_autofree char *text = run(argv, error);
    return text != NULL;
}
