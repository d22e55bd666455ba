/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"
#include "base/error.h"
#include "base/i18n.h"

G_DEFINE_QUARK(virtgrid - error, vg_error)

void vg_set_error(GError **error, VgErrorCode code, const char *format, ...) {
    if (error == NULL)
        return;
    va_list args;
    va_start(args, format);
    *error = g_error_new_valist(VG_ERROR, (gint)code, format, args);
    va_end(args);
}

void vg_set_errno(GError **error, int errnum, const char *format, ...) {
    if (error == NULL)
        return;
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    *error = g_error_new(VG_ERROR, VG_ERR_SYSTEM_ERROR, "%s: %s", text, g_strerror(errnum));
}

const char *vg_error_title(int code) {
    switch (code) {
#define VG_ERR(name, number, text)                                                                                     \
    case number:                                                                                                       \
        return text;
#include "base/errors.def"
#undef VG_ERR
    default:
        return NULL;
    }
}
