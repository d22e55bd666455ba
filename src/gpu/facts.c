/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* facts.c: the lists of facts.h. */
#include "config.h"

#include <string.h>

#include "gpu/facts.h"

#define MAX_TYPES 1024

static void type_clear(gpointer data) {
    VgTypeFact *t = data;
    g_free(t->id);
    g_free(t->name);
    g_free(t->description);
    g_free(t->api);
}

static void device_clear(gpointer data) {
    g_free(((VgDeviceFact *)data)->type_id);
}

void vg_gpu_facts_init(VgGpuFacts *facts) {
    *facts = (VgGpuFacts){.types = g_array_new(FALSE, FALSE, sizeof(VgTypeFact)),
                          .vfs = g_array_new(FALSE, FALSE, sizeof(VgVf)),
                          .devices = g_array_new(FALSE, FALSE, sizeof(VgDeviceFact))};
    g_array_set_clear_func(facts->types, type_clear);
    g_array_set_clear_func(facts->devices, device_clear);
}

void vg_gpu_facts_clear(VgGpuFacts *facts) {
    g_clear_pointer(&facts->driver, g_free);
    g_clear_pointer(&facts->mismatch, g_free);
    g_clear_pointer(&facts->waiting, g_free);
    g_clear_pointer(&facts->types, g_array_unref);
    g_clear_pointer(&facts->vfs, g_array_unref);
    g_clear_pointer(&facts->devices, g_array_unref);
}

void vg_gpu_facts_add_type(VgGpuFacts *facts, const VgTypeFact *type) {
    for (guint i = 0; i < facts->types->len; i++)
        if (strcmp(g_array_index(facts->types, VgTypeFact, i).id, type->id) == 0)
            return;
    if (facts->types->len >= MAX_TYPES)
        return;
    VgTypeFact copy = {g_strdup(type->id), g_strdup(type->name), g_strdup(type->description), g_strdup(type->api),
                       type->seen};
    g_array_append_val(facts->types, copy);
}

void vg_gpu_facts_add_device(VgGpuFacts *facts, VgDeviceFact *device) {
    g_array_append_vals(facts->devices, device, 1);
    device->type_id = NULL;
}

char *vg_pci_file(const VgPciAddr *addr, const char *name) {
    char text[VG_PCIADDR_TEXT];
    vg_pciaddr_format(addr, text);
    return name != NULL ? g_strconcat("sys/bus/pci/devices/", text, "/", name, NULL)
                        : g_strconcat("sys/bus/pci/devices/", text, NULL);
}
