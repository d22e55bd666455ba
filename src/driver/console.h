/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* console.h: a running guest's terminals, as streams; each has one user at a time. */
#pragma once

#include "driver/hub.h"

/* virDomainOpenConsole. OPERATION_FAILED: another client has it, and it was not to be taken over. */
void vg_open_console(VgSession *session, const VgUuid *dom, const char *device, guint flags, VgStreamDone done);
