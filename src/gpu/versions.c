/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* versions.c: the module says its version under sys/module, a library has it at the end of its file's name. */
#include "config.h"

#include <string.h>

#include "base/i18n.h"
#include "gpu/versions.h"

static const char *const folders[] = {"usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib", "usr/lib/nvidia"};
static const char *const libraries[] = {"libnvidia-ml.so.", "libnvidia-vgpu.so."};

/* "libnvidia-ml.so.550.54.10" ends in one; "libnvidia-ml.so.1" is only the link that programs use. */
static const char *version_of(const char *name) {
    for (gsize i = 0; i < G_N_ELEMENTS(libraries); i++) {
        const char *version = name + strlen(libraries[i]);
        if (g_str_has_prefix(name, libraries[i]) && g_ascii_isdigit(*version) && strchr(version, '.') != NULL)
            return version;
    }
    return NULL;
}

char *vg_gpu_driver_mismatch(VgSysroot *root) {
    g_autofree char *module = vg_sysroot_read(root, "sys/module/nvidia/version"), *other = NULL;
    if (module == NULL)
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_auto(GStrv) names = vg_sysroot_list(root, folders[i]);
        for (char **name = names; name != NULL && *name != NULL; name++) {
            const char *version = version_of(*name);
            if (version != NULL && strcmp(version, module) == 0)
                return NULL;
            if (version != NULL && other == NULL)
                other = g_strdup(version);
        }
    }
    if (other == NULL)
        return NULL;
    return g_strdup_printf(
        _("the kernel runs version %s of NVIDIA's driver, and its library is of version %s; load the "
          "module anew or restart the host"),
        module, other);
}
