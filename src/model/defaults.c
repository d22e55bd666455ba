/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * defaults.c: the passes between the tables and validation: what an element means when it is silent, what one element
 * means for another, and what Xen adds to every guest. The order is libvirt's: hypervisor, devices, what devices imply.
 */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "model/cpuset.h"
#include "model/maps.h"

static gboolean fail(GError **error, const char *message) {
    vg_set_error(error, VG_ERR_XML_ERROR, "%s", message);
    return FALSE;
}

/* --- the domain's own --------------------------------------------------------------------------------------------- */

/* What tells a firmware how to boot means nothing where a bootloader or the kernel is started at once. */
static void forget_firmware(VgOs *os) {
    while (os->n_boot > 0)
        g_free(vg_xml_array_take(&os->boot, &os->n_boot, os->n_boot - 1));
    os->bootmenu = os->bios_useserial = VG_TRISTATE_NONE;
    os->bootmenu_timeout = -1;
    os->bios_reboot_timeout = -2;
    os->firmware = VG_FIRMWARE_NONE;
    g_clear_pointer(&os->acpi_table, g_free);
}

static gboolean fill_os(VgDomain *dom, GError **error) {
    VgOs *os = &dom->os;
    static const char *const machines[VG_OS_LAST] = {
        [VG_OS_HVM] = "xenfv", [VG_OS_LINUX] = "xenpv", [VG_OS_XENPVH] = "xenpvh"};
    if (os->type == VG_OS_XEN || (os->type == VG_OS_NONE && dom->bootloader != NULL))
        os->type = VG_OS_LINUX;
    if (os->type == VG_OS_NONE)
        return fail(error, _("<os> has no <type>: say hvm, linux (PV) or xenpvh"));
    if (os->arch == NULL)
        os->arch = g_strdup("x86_64");
    if (os->machine == NULL)
        os->machine = g_strdup(machines[os->type]);
    if (dom->bootloader != NULL || os->type != VG_OS_HVM)
        forget_firmware(os);
    if (os->loader != NULL && os->loader_type == VG_LOADER_NONE)
        os->loader_type = VG_LOADER_ROM;
    return TRUE;
}

static guint64 numa_memory(const VgCpu *cpu) {
    guint64 sum = 0;
    for (gsize i = 0; i < cpu->n_cells; i++)
        sum += MIN(cpu->cells[i]->memory, G_MAXINT64 / 1024 / cpu->n_cells);
    return sum;
}

static gboolean fill_memory(VgDomain *dom, GError **error) {
    if (dom->memory == 0)
        dom->memory = numa_memory(&dom->cpu);
    if (dom->memory == 0)
        return fail(error, _("<domain> has no <memory>"));
    if (dom->current_memory == 0 || dom->current_memory > dom->memory)
        dom->current_memory = dom->memory;
    return TRUE;
}

static gboolean fill_vcpu(VgDomain *dom, GError **error) {
    VgVcpu *vcpu = &dom->vcpu;
    if (vcpu->placement == VG_PLACEMENT_NONE)
        vcpu->placement = VG_PLACEMENT_STATIC;
    if (vcpu->max == 0)
        vcpu->max = 1;
    if (vcpu->current > vcpu->max) {
        vg_set_error(error, VG_ERR_XML_ERROR, _("<vcpu>: current='%u' is more than the %u there are"), vcpu->current,
                     vcpu->max);
        return FALSE;
    }
    if (vcpu->current == vcpu->max)
        vcpu->current = 0;
    if (!vg_cpuset_normalize(&vcpu->cpuset))
        return fail(error, _("<vcpu>: cpuset= is no set of CPUs such as 0-3,^2"));
    if (!vg_cpuset_normalize(&dom->cputune.emulatorpin))
        return fail(error, _("<emulatorpin>: cpuset= is no set of CPUs such as 0-3,^2"));
    for (gsize i = 0; i < dom->cputune.n_vcpupins; i++)
        if (!vg_cpuset_normalize(&dom->cputune.vcpupins[i]->cpuset))
            return fail(error, _("<vcpupin>: cpuset= is no set of CPUs such as 0-3,^2"));
    return TRUE;
}

static gboolean fill_cells(VgCpu *cpu, GError **error) {
    for (gsize i = 0; i < cpu->n_cells; i++) {
        VgNumaCell *cell = cpu->cells[i];
        if (cell->id == G_MAXUINT)
            cell->id = (guint)i;
        if (!vg_cpuset_normalize(&cell->cpus))
            return fail(error, _("<cell>: cpus= is no set of CPUs such as 0-3"));
    }
    return TRUE;
}

static gboolean fill_cpu(VgDomain *dom, GError **error) {
    VgCpu *cpu = &dom->cpu;
    if (cpu->model != NULL) {
        if (cpu->mode == VG_CPU_MODE_NONE)
            cpu->mode = VG_CPU_MODE_CUSTOM;
        if (cpu->fallback == VG_FALLBACK_NONE)
            cpu->fallback = VG_FALLBACK_ALLOW;
    }
    if (cpu->mode == VG_CPU_MODE_CUSTOM && cpu->match == VG_CPU_MATCH_NONE)
        cpu->match = VG_CPU_MATCH_EXACT;
    if (cpu->sockets != 0 && cpu->dies == 0)
        cpu->dies = 1;
    return fill_cells(cpu, error);
}

static void fill_events(VgDomain *dom) {
    if (dom->on_poweroff == VG_ON_NONE)
        dom->on_poweroff = VG_ON_DESTROY;
    if (dom->on_reboot == VG_ON_NONE)
        dom->on_reboot = VG_ON_RESTART;
    if (dom->on_crash == VG_ON_NONE)
        dom->on_crash = VG_ON_DESTROY;
}

static void fill_features(VgDomain *dom) {
    VgFeatures *features = &dom->features;
    if (vg_domain_is_hvm(dom) && strcmp(dom->os.arch, "x86_64") == 0) {
        features->pae = TRUE;
        features->acpi |= dom->cpu.n_cells > 0;
    }
    if (features->hyperv.present && features->hyperv.mode == NULL)
        features->hyperv.mode = g_strdup("custom");
}

static void fill_clock(VgClock *clock) {
    if (clock->offset == VG_CLOCK_NONE)
        clock->offset = VG_CLOCK_UTC;
}

/* --- what Xen has in every guest ---------------------------------------------------------------------------------- */

static void add_console(VgDomain *dom) {
    VgChardev *console = vg_xml_map_new(&vg_console_map);
    console->type = VG_CHR_PTY;
    console->console_target = VG_CONSOLE_XEN;
    console->port = 0;
    vg_xml_array_add(&dom->consoles, &dom->n_consoles, console);
}

static void add_input(VgDomain *dom, VgInputType type, VgInputBus bus) {
    for (gsize i = 0; i < dom->n_inputs; i++)
        if (dom->inputs[i]->type == type && dom->inputs[i]->bus == bus)
            return;
    VgInput *input = vg_xml_map_new(&vg_input_map);
    input->type = type;
    input->bus = bus;
    vg_xml_array_add(&dom->inputs, &dom->n_inputs, input);
}

static void add_what_xen_has(VgDomain *dom) {
    gboolean hvm = vg_domain_is_hvm(dom);
    if (!hvm && dom->n_consoles == 0)
        add_console(dom);
    for (gsize i = 0; i < dom->n_inputs; i++)
        vg_input_fill_defaults(dom->inputs[i], dom);
    VgInputBus bus = hvm ? VG_INPUT_BUS_PS2 : VG_INPUT_BUS_XEN;
    add_input(dom, VG_INPUT_MOUSE, bus);
    add_input(dom, VG_INPUT_KEYBOARD, bus);
    if (dom->memballoon == NULL) {
        dom->memballoon = vg_xml_map_new(&vg_memballoon_map);
        dom->memballoon->model = VG_BALLOON_XEN;
    }
}

/* --- devices ------------------------------------------------------------------------------------------------------ */

/* Ports that were not given follow the highest one so far. */
static void number_ports(VgChardev *const *list, gsize n) {
    int highest = -1;
    for (gsize i = 0; i < n; i++)
        highest = MAX(highest, list[i]->port);
    for (gsize i = 0; i < n; i++)
        if (list[i]->port < 0)
            list[i]->port = ++highest;
}

static void fill_chardevs(VgDomain *dom) {
    number_ports(dom->serials, dom->n_serials);
    number_ports(dom->parallels, dom->n_parallels);
    number_ports(dom->consoles, dom->n_consoles);
    for (gsize i = 0; i < dom->n_consoles; i++)
        vg_chardev_fill_defaults(dom->consoles[i], dom);
}

typedef struct {
    VgDisk *disk;
    int bus_rank, index;
} DiskPlace;

static int by_place(gconstpointer a, gconstpointer b, gpointer data) {
    const DiskPlace *one = a, *other = b;
    return one->bus_rank != other->bus_rank ? one->bus_rank - other->bus_rank : one->index - other->index;
}

/* As libvirt keeps them: buses as they came, and on each bus by name. A PV guest's bootloader looks into the first. */
static void order_disks(VgDomain *dom) {
    int ranks[VG_DISK_BUS_LAST] = {0}, buses = 0;
    g_autofree DiskPlace *places = g_new(DiskPlace, dom->n_disks);
    for (gsize i = 0; i < dom->n_disks; i++) {
        VgDisk *disk = dom->disks[i];
        if (ranks[disk->bus] == 0)
            ranks[disk->bus] = ++buses;
        places[i] = (DiskPlace){disk, ranks[disk->bus], vg_disk_index(disk->target)};
    }
    g_qsort_with_data(places, (int)dom->n_disks, sizeof *places, by_place, NULL); /* stable */
    for (gsize i = 0; i < dom->n_disks; i++)
        dom->disks[i] = places[i].disk;
}

static gboolean fill_devices(VgDomain *dom, GError **error) {
    for (gsize i = 0; i < dom->n_disks; i++)
        if (!vg_disk_fill_defaults(dom->disks[i], dom, error))
            return FALSE;
    if (dom->n_disks > 1)
        order_disks(dom);
    for (gsize i = 0; i < dom->n_interfaces; i++)
        vg_interface_fill_defaults(dom->interfaces[i]);
    for (gsize i = 0; i < dom->n_graphics; i++)
        if (!vg_graphics_fill_defaults(dom->graphics[i], error))
            return FALSE;
    for (gsize i = 0; i < dom->n_hostdevs; i++)
        vg_hostdev_fill_defaults(dom->hostdevs[i]);
    for (gsize i = 0; i < dom->n_audios; i++)
        if (dom->audios[i]->id < 0)
            dom->audios[i]->id = (int)i + 1;
    for (gsize i = 0; i < dom->n_watchdogs; i++)
        if (dom->watchdogs[i]->action == NULL)
            dom->watchdogs[i]->action = g_strdup("reset");
    fill_chardevs(dom);
    return TRUE;
}

/* --- across elements ---------------------------------------------------------------------------------------------- */

static gboolean is_serial_console(const VgDomain *dom) {
    return dom->n_consoles > 0 && dom->consoles[0]->console_target == VG_CONSOLE_SERIAL;
}

/* Serials that a console may stand for. */
static gboolean is_console_like(const VgChardev *serial) {
    return serial->serial_target == VG_SERIAL_NONE || serial->serial_target == VG_SERIAL_ISA;
}

static VgChardev *as_serial(const VgChardev *console) {
    VgChardev *serial = vg_xml_map_copy(&vg_console_map, console);
    serial->device = VG_CHR_DEVICE_SERIAL;
    serial->console_target = VG_CONSOLE_NONE;
    serial->port = 0;
    return serial;
}

static VgChardev *as_console(const VgChardev *serial) {
    VgChardev *console = vg_xml_map_copy(&vg_serial_map, serial);
    console->device = VG_CHR_DEVICE_CONSOLE;
    console->console_target = VG_CONSOLE_SERIAL;
    console->serial_target = VG_SERIAL_NONE;
    g_clear_pointer(&console->serial_model, g_free);
    return console;
}

/* An HVM guest's first console is its first serial port seen once more; either makes the other. */
static void join_console_and_serial(VgDomain *dom) {
    if (!vg_domain_is_hvm(dom))
        return;
    if (is_serial_console(dom) && dom->n_serials == 0)
        vg_xml_array_add(&dom->serials, &dom->n_serials, as_serial(dom->consoles[0]));
    if (dom->n_serials == 0 || !is_console_like(dom->serials[0]))
        return;
    VgChardev *console = as_console(dom->serials[0]);
    if (is_serial_console(dom)) {
        vg_xml_map_free(&vg_console_map, dom->consoles[0]);
        dom->consoles[0] = console;
        return;
    }
    vg_xml_array_add(&dom->consoles, &dom->n_consoles, console);
    memmove(dom->consoles + 1, dom->consoles, (dom->n_consoles - 1) * sizeof(void *));
    dom->consoles[0] = console;
}

static void move_primary_first(VgDomain *dom) {
    for (gsize i = 1; i < dom->n_videos; i++)
        if (dom->videos[i]->primary == VG_TRISTATE_YES) {
            VgVideo *primary = dom->videos[i];
            memmove(dom->videos + 1, dom->videos, i * sizeof(void *));
            dom->videos[0] = primary;
            return;
        }
}

/* Whoever watches a guest needs a card to watch. */
static void join_graphics_and_video(VgDomain *dom) {
    if (dom->n_graphics > 0 && dom->n_videos == 0)
        vg_xml_array_add(&dom->videos, &dom->n_videos, vg_xml_map_new(&vg_video_map));
    move_primary_first(dom);
    for (gsize i = 0; i < dom->n_videos; i++) {
        dom->videos[i]->primary = i == 0 ? VG_TRISTATE_YES : VG_TRISTATE_NONE;
        vg_video_fill_defaults(dom->videos[i], dom);
    }
}

static gboolean has_boot_order(const VgDomain *dom) {
    for (gsize i = 0; i < dom->n_disks; i++)
        if (dom->disks[i]->info.boot_order > 0)
            return TRUE;
    for (gsize i = 0; i < dom->n_interfaces; i++)
        if (dom->interfaces[i]->info.boot_order > 0)
            return TRUE;
    for (gsize i = 0; i < dom->n_hostdevs; i++)
        if (dom->hostdevs[i]->info.boot_order > 0)
            return TRUE;
    return FALSE;
}

static gboolean fill_boot(VgDomain *dom, GError **error) {
    gboolean by_device = has_boot_order(dom);
    if (by_device && dom->os.n_boot > 0) {
        vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                     _("<os><boot dev=> and <boot order=> of devices exclude each other"));
        return FALSE;
    }
    if (vg_domain_is_hvm(dom) && dom->os.n_boot == 0 && !by_device) {
        VgBoot *boot = g_new0(VgBoot, 1);
        boot->dev = VG_BOOT_HD;
        vg_xml_array_add(&dom->os.boot, &dom->os.n_boot, boot);
    }
    return TRUE;
}

gboolean vg_domain_fill_defaults(VgDomain *dom, guint flags, GError **error) {
    if (vg_uuid_is_null(&dom->uuid))
        vg_uuid_generate(&dom->uuid);
    if (!fill_os(dom, error) || !fill_memory(dom, error) || !fill_vcpu(dom, error) || !fill_cpu(dom, error))
        return FALSE;
    fill_clock(&dom->clock);
    fill_events(dom);
    fill_features(dom);
    add_what_xen_has(dom);
    if (!fill_devices(dom, error) || !fill_boot(dom, error))
        return FALSE;
    join_console_and_serial(dom);
    for (gsize i = 0; i < dom->n_consoles; i++)
        dom->consoles[i]->port = (int)i; /* whatever was given: the API names them so */
    vg_domain_add_controllers(dom);
    join_graphics_and_video(dom);
    return TRUE;
}
