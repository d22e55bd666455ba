/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domain.h: what a domain is, and its XML.
 *
 * A VgDomain is a plain record that owns all below it; share one by never changing it again. Functions here are pure
 * (random numbers apart: absent UUIDs and MACs are made) and safe from any thread.
 *
 * Reading goes in passes: table, element defaults, defaults across elements, Xen's defaults, validation. What comes out
 * is complete: format of it parses to the same. Errors: XML_DETAIL for what is not well-formed XML or too big,
 * XML_ERROR for a wrong value, CONFIG_UNSUPPORTED for what is known and cannot be given, with the element and the
 * reason. No error repeats the input text at length.
 */
#pragma once

#include "model/chardev.h"
#include "model/clock.h"
#include "model/controller.h"
#include "model/cpu.h"
#include "model/disk.h"
#include "model/features.h"
#include "model/graphics.h"
#include "model/hostdev.h"
#include "model/input.h"
#include "model/interface.h"
#include "model/misc.h"
#include "model/os.h"
#include "model/types.h"

/* Numbers of virDomainXMLFlags. */
typedef enum {
    VG_XML_SECURE = 1 << 0, /* format: with passwords */
    VG_XML_INACTIVE =
        1 << 1, /* format: without what is live only. parse: what is live only is ignored, as a definition needs */
    VG_XML_UPDATE_CPU = 1 << 2, /* no effect */
    VG_XML_MIGRATABLE = 1 << 3, /* format: without what another libvirt cannot read */
} VgXmlFlags;

typedef enum {
    VG_VIRT_NONE,
    VG_VIRT_XEN,
    VG_VIRT_QEMU,
    VG_VIRT_KVM,
    VG_VIRT_LAST
} VgVirtType; /* all are treated as XEN */
extern const VgNames vg_virt_names;

typedef enum {
    VG_ON_NONE,
    VG_ON_DESTROY,
    VG_ON_RESTART,
    VG_ON_RENAME_RESTART,
    VG_ON_PRESERVE,
    VG_ON_COREDUMP_DESTROY, /* of a crash only, as the next */
    VG_ON_COREDUMP_RESTART,
    VG_ON_LAST
} VgOnAction;
extern const VgNames vg_on_names;

typedef struct {
    char *type;  /* "static", "dynamic", "none" */
    char *model; /* "flask", ... */
    VgTristate relabel;
    char *label; /* static flask: the guest's Xen label */
} VgSeclabel;

typedef struct {
    char *value;
} VgXenArg;

typedef struct {
    VgVirtType type;
    int id; /* Xen's, live; -1 = not running */
    char *name;
    VgUuid uuid;
    char *title, *description;
    char *metadata; /* what stands in <metadata>, as XML in normal form, no outer element; NULL = none */

    guint64 memory;                /* KiB: most it can have */
    guint64 current_memory;        /* KiB: what it gets at start; never above memory */
    gboolean nosharepages, locked; /* <memoryBacking>; inert */
    VgVcpu vcpu;
    VgCputune cputune;

    char *bootloader, *bootloader_args; /* PV and PVH */
    VgOs os;
    VgFeatures features;
    VgCpu cpu;
    VgClock clock;
    VgOnAction on_poweroff, on_reboot, on_crash; /* never NONE after parsing */
    VgTristate suspend_to_mem, suspend_to_disk;  /* <pm>; inert */

    /* <devices>, an array for each kind, in the order of the XML */
    char *emulator;
    VgDisk **disks;
    gsize n_disks;
    VgController **controllers;
    gsize n_controllers;
    VgInterface **interfaces;
    gsize n_interfaces;
    VgChardev **serials;
    gsize n_serials;
    VgChardev **parallels;
    gsize n_parallels;
    /* Of HVM, consoles[0] is serials[0] seen as a console when there is one; an equal record, owned apart. */
    VgChardev **consoles;
    gsize n_consoles;
    VgChardev **channels;
    gsize n_channels;
    VgInput **inputs;
    gsize n_inputs;
    VgTpm **tpms;
    gsize n_tpms;
    VgGraphics **graphics;
    gsize n_graphics;
    VgSound **sounds;
    gsize n_sounds;
    VgAudio **audios;
    gsize n_audios;
    VgVideo **videos;
    gsize n_videos;
    VgHostdev **hostdevs;
    gsize n_hostdevs;
    VgWatchdog **watchdogs;
    gsize n_watchdogs;
    VgMemballoon *memballoon; /* never NULL after parsing */
    VgRng **rngs;
    gsize n_rngs;
    VgPanic **panics;
    gsize n_panics;

    /*
     * What the Xen driver of libvirt accepts without effect, as XML in normal form with the elements; NULL = none.
     * Inert, all of them.
     */
    char *genid, *blkiotune, *memtune, *hugepages, *vcpus, *iothreads, *iothreadids, *numatune, *resource, *sysinfo;
    char *on_lockfailure, *perf, *keywrap, *launch_security;
    char *lease, *filesystem, *smartcard, *redirdev, *redirfilter, *hub, *nvram, *shmem, *iommu, *vsock;

    VgSeclabel **seclabels;
    gsize n_seclabels;
    VgXenArg **xen_args; /* <xen:commandline>: more arguments for the device model */
    gsize n_xen_args;
} VgDomain;

/* @flags: VG_XML_INACTIVE for a definition; 0 reads back what vg_domain_format(.., VG_XML_SECURE) wrote of a live
 * one. */
VgDomain *vg_domain_parse(const char *xml, guint flags, GError **error);
/* Is @xml, which was parsed before, valid by the grammar in the file @schema? See xml/schema.h: workers only. */
gboolean vg_domain_check_schema(const char *schema, const char *xml, GError **error);
/* The text libvirt would print; ends with a newline. Caller frees. */
char *vg_domain_format(const VgDomain *dom, guint flags);
VgDomain *vg_domain_copy(const VgDomain *dom);
void vg_domain_free(VgDomain *dom);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VgDomain, vg_domain_free)

/* The rules between elements, for a record that was changed after parsing (a device plugged in). */
gboolean vg_domain_validate(const VgDomain *dom, GError **error);

/*
 * What the definition asks for and Xen has no use for: one sentence each, such as
 * "<rng> has no effect on Xen guests". NULL-terminated, caller frees with g_strfreev; empty if all is used.
 */
char **vg_domain_messages(const VgDomain *dom);

static inline gboolean vg_domain_is_hvm(const VgDomain *dom) {
    return dom->os.type == VG_OS_HVM;
}
