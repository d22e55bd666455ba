/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* store.c: see store.h. */
#include "dm/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

#include "base/fd.h"
#include "gpu/emulator.h"

enum { VALUE_MAX = 4096 };

struct VgDmStore {
    char *base;           /* path of the domain's part */
    struct xs_handle *xs; /* NULL: base is a folder */
};

VgDmStore *vg_dm_store_open(guint domid) {
    const char *folder = g_getenv(VG_EMULATOR_STORE_ENV);
    struct xs_handle *xs = folder ? NULL : xs_open(0);
    if (!folder && !xs)
        return NULL;
    VgDmStore *store = g_new0(VgDmStore, 1);
    store->base = folder ? g_strdup(folder) : g_strdup_printf("/local/domain/%u", domid);
    store->xs = xs;
    return store;
}

char *vg_dm_store_read(VgDmStore *store, const char *key) {
    g_autofree char *path = g_build_filename(store->base, key, NULL);
    if (!store->xs) {
        char *text = vg_fd_read_file(AT_FDCWD, path, VALUE_MAX, NULL);
        return text ? g_strchomp(text) : NULL;
    }
    unsigned int len = 0;
    char *value = xs_read(store->xs, XBT_NULL, path, &len);
    char *copy = value ? g_strndup(value, len) : NULL;
    free(value);
    return copy;
}

gboolean vg_dm_store_write(VgDmStore *store, const char *key, const char *text) {
    g_autofree char *path = g_build_filename(store->base, key, NULL);
    if (store->xs)
        return xs_write(store->xs, XBT_NULL, path, text, (unsigned)strlen(text));
    g_auto(VgFd) fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return fd >= 0 && vg_fd_write_all(fd, text, strlen(text));
}

void vg_dm_store_free(VgDmStore *store) {
    if (!store)
        return;
    if (store->xs)
        xs_close(store->xs);
    g_free(store->base);
    g_free(store);
}
