/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* emulator.c: see emulator.h. Needs base alone, because src/dm/ has it too. */
#include "gpu/emulator.h"

#include <string.h>
#include <sys/wait.h>

#include "base/i18n.h"

VgEmulatorState vg_emulator_state(const char *text) {
    static const char *const names[] = {
        [VG_EMULATOR_INITIALISING] = "initialising",
        [VG_EMULATOR_RESUMING] = "resuming",
        [VG_EMULATOR_RUNNING] = "running",
        [VG_EMULATOR_FAILED] = "error",
    };
    for (guint i = VG_EMULATOR_INITIALISING; text && i < G_N_ELEMENTS(names); i++)
        if (strcmp(text, names[i]) == 0)
            return (VgEmulatorState)i;
    return VG_EMULATOR_SILENT;
}

/* --- order -------------------------------------------------------------------------------------------------------- */

#define SAVE_FILE "/var/lib/xen/demu-save." VG_EMULATOR_DOMID

/* The vendor counts its types; the kernel's name for one has the vendor's name before the figure. */
static const char *number_of(const char *type_id) {
    const char *dash = strrchr(type_id, '-');
    return dash && dash[1] && strspn(dash + 1, "0123456789") == strlen(dash + 1) ? dash + 1 : type_id;
}

static int by_slot(gconstpointer a, gconstpointer b) {
    const VgEmulatorVgpu *x = a, *y = b;
    return (x->guest_slot > y->guest_slot) - (x->guest_slot < y->guest_slot);
}

static char *device_of(const VgEmulatorVgpu *v) {
    char host[VG_PCIADDR_TEXT], guest[VG_PCIADDR_TEXT], uuid[VG_UUID_TEXT];
    const VgPciAddr slot = {.slot = (guint8)v->guest_slot};
    GString *text = g_string_new("--device=");
    g_string_append_printf(
        text, "%s,%s,%s,%s", vg_pciaddr_format(v->place->has_vf ? &v->place->vf : &v->place->gpu, host),
        number_of(v->place->type_id), vg_pciaddr_format(&slot, guest), vg_uuid_format(&v->place->vgpu, uuid));
    for (const char *const *p = v->params; p && p[0] && p[1]; p += 2)
        g_string_append_printf(text, ",%s=%s", p[0], p[1]);
    return g_string_free(text, FALSE);
}

static void take(VgJson *array, char *text) {
    vg_json_append(array, vg_json_new_string(text));
    g_free(text);
}

VgJson *vg_emulator_order(const VgEmulatorOrder *order, const VgEmulatorVgpu *vgpus, gsize n) {
    g_autofree VgEmulatorVgpu *sorted = g_memdup2(vgpus, n * sizeof *vgpus);
    gboolean screen = FALSE;
    VgJson *json = vg_json_new_object();
    vg_json_set_int(json, "version", 1);
    vg_json_set_string(json, "program", order->program);
    if (order->model)
        vg_json_set_string(json, "model", order->model);
    vg_json_set_int(json, "start_ms", order->start_ms);
    VgJson *args = vg_json_set(json, "arguments", vg_json_new_array());
    take(args, g_strdup("--domain=" VG_EMULATOR_DOMID));
    take(args, g_strdup_printf("--vcpus=%u", order->vcpus));
    take(args, g_strdup("--suspend=" SAVE_FILE));
    qsort(sorted, n, sizeof *sorted, by_slot);
    for (gsize i = 0; i < n; i++) {
        take(args, device_of(&sorted[i]));
        screen = screen || !sorted[i].place->compute;
    }
    if (!screen)
        take(args, g_strdup("--noconsole"));
    if (order->resume)
        take(args, g_strdup("--resume"));
    return json;
}

/* --- report ------------------------------------------------------------------------------------------------------- */

static const char *const outcomes[VG_EMULATOR_OUTCOMES] = {
    [VG_EMULATOR_FINE] = "fine",         [VG_EMULATOR_NO_ORDER] = "no-order", [VG_EMULATOR_NO_EXEC] = "no-exec",
    [VG_EMULATOR_ENDED] = "ended",       [VG_EMULATOR_LATE] = "late",         [VG_EMULATOR_ERROR] = "error",
    [VG_EMULATOR_NO_MODEL] = "no-model", [VG_EMULATOR_NO_STORE] = "no-store",
};

VgJson *vg_emulator_report_json(const VgEmulatorReport *report) {
    VgJson *json = vg_json_new_object();
    vg_json_set_int(json, "version", 1);
    vg_json_set_string(json, "outcome", outcomes[report->outcome]);
    vg_json_set_int(json, "number", report->number);
    if (report->code)
        vg_json_set_string(json, "code", report->code);
    vg_json_set_int(json, "domid", report->domid);
    vg_json_set_int(json, "pid", report->process.pid);
    vg_json_set_int(json, "start", (gint64)report->process.start);
    vg_json_set_string(json, "boot", report->process.boot);
    return json;
}

gboolean vg_emulator_report_parse(const VgJson *json, VgEmulatorReport *ret) {
    const char *outcome = vg_json_get_string(json, "outcome"), *boot = vg_json_get_string(json, "boot");
    *ret = (VgEmulatorReport){.outcome = VG_EMULATOR_OUTCOMES};
    for (guint i = 0; outcome && i < VG_EMULATOR_OUTCOMES; i++)
        if (strcmp(outcome, outcomes[i]) == 0)
            ret->outcome = (VgEmulatorOutcome)i;
    if (ret->outcome == VG_EMULATOR_OUTCOMES || !boot)
        return FALSE;
    ret->number = (int)vg_json_get_int(json, "number", 0);
    ret->code = g_strdup(vg_json_get_string(json, "code"));
    ret->domid = (guint)vg_json_get_int(json, "domid", 0);
    ret->process.pid = (int)vg_json_get_int(json, "pid", 0);
    ret->process.start = (guint64)vg_json_get_int(json, "start", 0);
    g_strlcpy(ret->process.boot, boot, VG_PROCESS_BOOT);
    return TRUE;
}

void vg_emulator_report_clear(VgEmulatorReport *report) {
    g_clear_pointer(&report->code, g_free);
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *code, *words;
} codes[] = {
    {"unknown", N_("it does not know why")},
    {"internal", N_("a mistake of its own")},
    {"socket", N_("the connection for its saved state broke")},
    {"xs", N_("xenstore did not do what it asked")},
    {"libxc", N_("the hypervisor did not do what it asked")},
    {"filesystem", N_("a file could not be read or written")},
    {"badstate", N_("it was asked for something that is not possible now")},
    {"vmiop", N_("the vendor's library refuses this vGPU; the kernel's log says more")},
    {"nomem", N_("there is not enough memory in domain 0")},
    {"ioreq", N_("the hypervisor gives it no place in the guest's input and output")},
};

static const char *words_of(const char *code) {
    for (gsize i = 0; code && i < G_N_ELEMENTS(codes); i++)
        if (strcmp(code, codes[i].code) == 0)
            return _(codes[i].words);
    return _("its code is not known here");
}

static char *end_of(int status) {
    if (status != -1 && WIFEXITED(status))
        return g_strdup_printf(_("it ended with status %d before it was ready"), WEXITSTATUS(status));
    if (status != -1 && WIFSIGNALED(status))
        return g_strdup_printf(_("it was ended by signal %d (%s) before it was ready"), WTERMSIG(status),
                               g_strsignal(WTERMSIG(status)));
    return g_strdup(_("it has ended"));
}

static char *why_of(const VgEmulatorReport *r) {
    switch (r->outcome) {
    case VG_EMULATOR_NO_EXEC:
        return g_strdup_printf(_("it cannot be started: %s"), g_strerror(r->number));
    case VG_EMULATOR_ENDED:
        return end_of(r->number);
    case VG_EMULATOR_LATE:
        return g_strdup_printf(_("it was not ready after %d s; 'emulator_start_timeout' and "
                                 "'emulator_ready_timeout' in virtgridd.conf are the limits"),
                               r->number);
    case VG_EMULATOR_ERROR:
        return g_strdup_printf(_("it reports the error '%s': %s"), r->code ? r->code : "", words_of(r->code));
    case VG_EMULATOR_NO_STORE:
        return g_strdup_printf(_("xenstore cannot be used: %s"), g_strerror(r->number));
    default:
        return g_strdup(_("its order cannot be read"));
    }
}

void vg_emulator_explain(const VgEmulatorReport *report, const char *name, const char *program, GError **error) {
    VgErrorCode code = report->outcome == VG_EMULATOR_LATE ? VG_ERR_OPERATION_TIMEOUT : VG_ERR_OPERATION_FAILED;
    if (report->outcome == VG_EMULATOR_FINE)
        return;
    if (report->outcome == VG_EMULATOR_NO_MODEL) {
        vg_set_error(error, code,
                     _("domain '%s': its device model cannot be started: %s; 'device_model' in "
                       "virtgridd.conf names it"),
                     name, g_strerror(report->number));
        return;
    }
    g_autofree char *why = why_of(report);
    vg_set_error(error, code, _("the display emulator '%s' of domain '%s' does not run: %s"), program, name, why);
}
