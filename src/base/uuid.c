/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* uuid.c: reads what libvirt's clients write as a UUID, writes one form only. */
#include "config.h"
#include "base/uuid.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

gboolean vg_uuid_parse(const char *text, VgUuid *ret) {
    VgUuid uuid;
    const char *p = text;
    while (g_ascii_isspace(*p))
        p++;
    for (int i = 0; i < VG_UUID_LEN; i++) {
        while (*p == '-' || *p == ' ')
            p++;
        int high = g_ascii_xdigit_value(p[0]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value(p[1]);
        if (low < 0)
            return FALSE;
        uuid.b[i] = (guint8)(high << 4 | low);
        p += 2;
    }
    while (g_ascii_isspace(*p))
        p++;
    if (*p != '\0')
        return FALSE;
    *ret = uuid;
    return TRUE;
}

const char *vg_uuid_format(const VgUuid *uuid, char text[VG_UUID_TEXT]) {
    static const char digits[] = "0123456789abcdef";
    char *p = text;
    for (int i = 0; i < VG_UUID_LEN; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = digits[uuid->b[i] >> 4];
        *p++ = digits[uuid->b[i] & 15];
    }
    *p = '\0';
    return text;
}

void vg_uuid_generate(VgUuid *ret) {
    gsize got = 0;
    while (got < VG_UUID_LEN) {
        gssize n = getrandom(ret->b + got, VG_UUID_LEN - got, 0);
        if (n > 0)
            got += (gsize)n;
        else if (errno != EINTR)
            g_error("the kernel gives no random bytes: %s", g_strerror(errno)); /* an identity must not be guessed */
    }
    ret->b[6] = (guint8)((ret->b[6] & 0x0f) | 0x40);
    ret->b[8] = (guint8)((ret->b[8] & 0x3f) | 0x80);
}

gboolean vg_uuid_equal(const VgUuid *a, const VgUuid *b) {
    return memcmp(a->b, b->b, VG_UUID_LEN) == 0;
}

gboolean vg_uuid_is_null(const VgUuid *uuid) {
    static const VgUuid null;
    return vg_uuid_equal(uuid, &null);
}

guint vg_uuid_hash(gconstpointer uuid) {
    guint word[VG_UUID_LEN / sizeof(guint)], hash = 2166136261u;
    memcpy(word, uuid, VG_UUID_LEN);
    for (gsize i = 0; i < G_N_ELEMENTS(word); i++)
        hash = (hash ^ word[i]) * 16777619u;
    return hash;
}

gboolean vg_uuid_equal_ptr(gconstpointer a, gconstpointer b) {
    return vg_uuid_equal(a, b);
}
