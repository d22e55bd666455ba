/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * emulator.h: what is agreed with a vendor's emulator process: its arguments, the keys it writes, its error codes; and
 * between the driver, which orders one, and src/dm/, which is given to libxl as the device model, starts it and then
 * becomes QEMU. Pure. Facts of the outer contract: docs/architecture.md, "The emulator process".
 *
 * An ORDER is a file that the driver writes before the domain is made, and removes before the process is stopped. A
 * REPORT beside it says what came of it. Whoever starts the emulator writes the report before the program runs, and
 * lets it run only if the order is still there: so a process without a report does not exist, and one whose order is
 * gone never begins.
 */
#pragma once

#include "base/json.h"
#include "base/process.h"
#include "gpu/gpus.h"

/* Keys below the domain's own part of xenstore. */
#define VG_EMULATOR_STATE_KEY "vgpu/state"
#define VG_EMULATOR_ERROR_KEY "vgpu/error-code"
#define VG_EMULATOR_PID_KEY "vgpu-pid"
/* The device model's argument that names the order's file; QEMU never sees it. */
#define VG_EMULATOR_ORDER_ARG "-virtgrid-order"
/* In an order's arguments: stands for the domain id, which is not known yet. */
#define VG_EMULATOR_DOMID "@domid@"
/* A folder that stands for the domain's part of xenstore (the simulated host's). */
#define VG_EMULATOR_STORE_ENV "VIRTGRID_STORE"
#define VG_EMULATOR_FILE_MAX (1u << 20)
/* Their names, after the owner's UUID. */
#define VG_EMULATOR_ORDER_SUFFIX ".order"
#define VG_EMULATOR_REPORT_SUFFIX ".report"

typedef enum {
    VG_EMULATOR_SILENT, /* it has said nothing yet, or what nobody knows */
    VG_EMULATOR_INITIALISING,
    VG_EMULATOR_RESUMING,
    VG_EMULATOR_RUNNING,
    VG_EMULATOR_FAILED
} VgEmulatorState;
/* Of the state key; @text may be NULL. */
VgEmulatorState vg_emulator_state(const char *text);

typedef struct {
    const VgPlace *place;
    guint guest_slot;
    const char *const *params; /* name, value, …, NULL; or NULL */
} VgEmulatorVgpu;
typedef struct {
    const char *program;
    const char *model; /* what becomes of the starter; NULL: nothing, it ends */
    guint vcpus;
    guint start_ms; /* until the state key is there */
    gboolean resume;
} VgEmulatorOrder;
VgJson *vg_emulator_order(const VgEmulatorOrder *order, const VgEmulatorVgpu *vgpus, gsize n);

/* How it ended that no emulator came to be. */
typedef enum {
    VG_EMULATOR_FINE,
    VG_EMULATOR_NO_ORDER, /* it cannot be read, or makes no sense */
    VG_EMULATOR_NO_EXEC,  /* number: errno */
    VG_EMULATOR_ENDED,    /* number: a wait status, -1: unknown */
    VG_EMULATOR_LATE,     /* number: seconds */
    VG_EMULATOR_ERROR,    /* its own code */
    VG_EMULATOR_NO_MODEL, /* number: errno */
    VG_EMULATOR_NO_STORE, /* number: errno */
    VG_EMULATOR_OUTCOMES
} VgEmulatorOutcome;
typedef struct {
    VgEmulatorOutcome outcome;
    int number;
    char *code; /* of the error key, or NULL */
    VgProcess process;
    guint domid;
} VgEmulatorReport;
VgJson *vg_emulator_report_json(const VgEmulatorReport *report);
/* FALSE: no report. vg_emulator_report_clear() afterwards. */
gboolean vg_emulator_report_parse(const VgJson *json, VgEmulatorReport *ret);
void vg_emulator_report_clear(VgEmulatorReport *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VgEmulatorReport, vg_emulator_report_clear)
/* Sets @error to what @report means for the domain called @name. Nothing if all is fine. */
void vg_emulator_explain(const VgEmulatorReport *report, const char *name, const char *program, GError **error);
