/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* save.h: guests into files and back; what the table calls, see api/driver.h. */
#pragma once

#include "driver/hub.h"

void vg_save(VgSession *session, const VgUuid *dom, const char *to, const char *dxml, guint flags, VgDone done);
void vg_managed_save(VgSession *session, const VgUuid *dom, guint flags, VgDone done);
void vg_managed_save_remove(VgSession *session, const VgUuid *dom, guint flags, VgDone done);
void vg_managed_save_xml(VgSession *session, const VgUuid *dom, guint flags, VgDone done);
void vg_managed_save_define(VgSession *session, const VgUuid *dom, const char *xml, guint flags, VgDone done);
void vg_core_dump(VgSession *session, const VgUuid *dom, const char *to, guint format, guint flags, VgDone done);

/* image.c: files of saved guests */
void vg_restore(VgSession *session, const char *from, const char *dxml, guint flags, VgDone done);
void vg_save_image_xml(VgSession *session, const char *file, guint flags, VgDone done);
void vg_save_image_define(VgSession *session, const char *file, const char *xml, guint flags, VgDone done);
/* A file of a saved guest is read, and its XML answered, or replaced, on a worker. @path is taken over. */
void vg_image_xml(VgDriverState *hub, char *path, guint flags, VgDone done);
void vg_image_define(VgDriverState *hub, char *path, const char *xml, guint flags, VgDone done);
