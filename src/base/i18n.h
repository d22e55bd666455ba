/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* i18n.h: texts for users go through gettext; N_() marks a text that is translated where it is used. */
#pragma once

#include <libintl.h>

#define _(text) dgettext("virtgrid", text)
#define N_(text) text
