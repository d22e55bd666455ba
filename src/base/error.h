/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * error.h: how a failure travels.
 *
 * Every function that can fail takes `GError **error` last. The code says which of libvirt's errors a client
 * gets (errors.def is the one list), the message is one sentence for a person: the rule, the object, the holder,
 * the way out. Messages carry no prefix such as "Domain not found"; proc/error_to_wire.c adds libvirt's own.
 * Outcomes that a caller is expected to handle are return values, not errors.
 */
#pragma once

#include <glib.h>

#define VG_ERROR (vg_error_quark())

typedef enum {
#define VG_ERR(name, number, text) VG_ERR_##name = number,
#include "base/errors.def"
#undef VG_ERR
} VgErrorCode;

GQuark vg_error_quark(void);

/* Sets *error (if error is not NULL). @code is one of errors.def; the message is already translated: _("..."). */
void vg_set_error(GError **error, VgErrorCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* The same with strerror(@errnum) appended: "...: No such file or directory". Code SYSTEM_ERROR. */
void vg_set_errno(GError **error, int errnum, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* libvirt's fixed text of @code ("Domain not found"), untranslated, or NULL for a code not in the list. */
const char *vg_error_title(int code);
