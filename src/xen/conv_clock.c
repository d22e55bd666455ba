/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conv_clock.c: the guest's clock and timers. */
#include "xen/conv.h"

static const libxl_tsc_mode tsc_modes[VG_TIMER_MODE_LAST] = {
    [VG_TIMER_MODE_NONE] = LIBXL_TSC_MODE_DEFAULT,
    [VG_TIMER_MODE_AUTO] = LIBXL_TSC_MODE_DEFAULT,
    [VG_TIMER_MODE_NATIVE] = LIBXL_TSC_MODE_NATIVE,
    [VG_TIMER_MODE_EMULATE] = LIBXL_TSC_MODE_ALWAYS_EMULATE,
    [VG_TIMER_MODE_PARAVIRT] = LIBXL_TSC_MODE_NATIVE_PARAVIRT,
    [VG_TIMER_MODE_SMPSAFE] = LIBXL_TSC_MODE_DEFAULT,
};

static gboolean timer(const VgXenConv *conv, const VgTimer *t, GError **error) {
    libxl_domain_build_info *b = &conv->c->b_info;
    if (t->name == VG_TIMER_TSC && t->mode < VG_TIMER_MODE_LAST) {
        b->tsc_mode = tsc_modes[t->mode];
        return TRUE;
    }
    if (t->name == VG_TIMER_HPET && conv->hvm) {
        if (t->present != VG_TRISTATE_NONE)
            libxl_defbool_set(&b->u.hvm.hpet, t->present == VG_TRISTATE_YES);
        return TRUE;
    }
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                 _("<timer> of <clock>: Xen guests have the timer 'tsc', and fully virtualised ones 'hpet'"));
    return FALSE;
}

gboolean vg_xen_conv_clock(const VgXenConv *conv, GError **error) {
    const VgClock *clock = &conv->dom->clock;
    libxl_domain_build_info *b = &conv->c->b_info;
    switch (clock->offset) {
    case VG_CLOCK_NONE:
    case VG_CLOCK_UTC:
        break;
    case VG_CLOCK_LOCALTIME:
        libxl_defbool_set(&b->localtime, true);
        break;
    case VG_CLOCK_VARIABLE:
        if (clock->basis == VG_BASIS_LOCALTIME)
            libxl_defbool_set(&b->localtime, true);
        b->rtc_timeoffset = (uint32_t)clock->adjustment;
        break;
    case VG_CLOCK_TIMEZONE:
    case VG_CLOCK_ABSOLUTE:
    case VG_CLOCK_LAST:
    default:
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("<clock>: Xen has no offset 'timezone' or 'absolute'; use 'utc', 'localtime' or 'variable'"));
        return FALSE;
    }
    for (gsize i = 0; i < clock->n_timers; i++)
        if (!timer(conv, clock->timers[i], error))
            return FALSE;
    return TRUE;
}
