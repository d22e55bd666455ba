/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* screenshot.h: a picture of a running guest's screen, as a stream. */
#pragma once

#include "driver/hub.h"

/* virDomainScreenshot: the first screen, as image/x-portable-pixmap. OPERATION_INVALID: it has no screen of Xen's. */
void vg_screenshot(VgSession *session, const VgUuid *dom, guint screen, guint flags, VgStreamDone done);
