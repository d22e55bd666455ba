/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-gpu-news.c: what the kernel says of GPUs (wish-56): which lines and events mean that one failed. */
#include "config.h"

#include <string.h>

#include "gpu/news.h"

static const struct {
    const char *line, *gpu, *why; /* gpu NULL: no news */
} lines[] = {
    {"NVRM: Xid (PCI:0000:05:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.", "0000:05:00.0",
     "Xid 79: pid='<unknown>', name=<unknown>, GPU has fallen off the bus."},
    {"NVRM: Xid (0000:82:00): 48, An uncorrectable double bit error\n", "0000:82:00.0",
     "Xid 48: An uncorrectable double bit error"},
    {"NVRM: Xid (PCI:10000:03:00.4): 119, pid=1, Timeout", "10000:03:00.4", "Xid 119: pid=1, Timeout"},
    {"NVRM: Xid (PCI:0000:05:00): 154, GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)",
     "0000:05:00.0", "Xid 154: GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)"},
    {"NVRM: Xid (PCI:0000:05:00): 154, GPU recovery action changed from 0x1 (GPU Reset Required) to 0x0 (None)", NULL,
     NULL},
    /* what an application did */
    {"NVRM: Xid (PCI:0000:05:00): 13, pid=4711, Graphics Exception", NULL, NULL},
    {"NVRM: Xid (PCI:0000:05:00): 31, pid=4711, MMU Fault", NULL, NULL},
    {"NVRM: Xid (PCI:0000:05:00): 43, pid=4711", NULL, NULL},
    {"NVRM: Xid (PCI:0000:05:00): 7999, pid=4711", NULL, NULL},
    {"NVRM: GPU 0000:45:00.0: GPU has fallen off the bus.", "0000:45:00.0", "it has fallen off the bus"},
    {"NVRM: GPU 0000:45:00.0: RmInitAdapter succeeded", NULL, NULL},
    {"amdgpu 0000:c1:00.0: amdgpu: GPU reset end with ret = -110", "0000:c1:00.0",
     "its driver could not reset it: GPU reset end with ret = -110"},
    {"amdgpu 0000:c1:00.0: amdgpu: GPU reset end with ret = 0", NULL, NULL},
    /* what is no such line, or only looks like one */
    {"", NULL, NULL},
    {"pci 0000:05:00.0: reset done", NULL, NULL},
    {"NVRM: Xid (", NULL, NULL},
    {"NVRM: Xid (PCI:): 79", NULL, NULL},
    {"NVRM: Xid (PCI:0000:05:00)", NULL, NULL},
    {"NVRM: Xid (PCI:0000:05:00):", NULL, NULL},
    {"NVRM: Xid (PCI:0000:zz:00): 79, x", NULL, NULL},
    {"NVRM: Xid (PCI:0000:05:000000000000000000000000000000000): 79, x", NULL, NULL},
    {"somebody said: NVRM: Xid (PCI:0000:05:00): 79, x", NULL, NULL},
    {"NVRM: GPU 0000:45:00.0", NULL, NULL},
    {"amdgpu 0000:c1:00.0", NULL, NULL},
};

static void test_lines(void) {
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        VgGpuNews news;
        char text[VG_PCIADDR_TEXT];
        g_test_message("%s", lines[i].line);
        gboolean told = vg_gpu_news_of_log(lines[i].line, &news);
        g_assert_cmpint(told, ==, lines[i].gpu != NULL);
        if (!told)
            continue;
        g_assert_cmpint(news.kind, ==, VG_NEWS_FAILED);
        g_assert_cmpstr(vg_pciaddr_format(&news.gpu, text), ==, lines[i].gpu);
        g_assert_cmpstr(news.why, ==, lines[i].why);
    }
    /* however long it is, the reason has an end */
    g_autofree char *tail = g_strnfill(8000, 'x');
    g_autofree char *longest = g_strconcat("NVRM: Xid (PCI:0000:05:00): 79, ", tail, NULL);
    VgGpuNews news;
    g_assert_true(vg_gpu_news_of_log(longest, &news));
    g_assert_cmpuint(strlen(news.why), <, sizeof news.why);
}

#define EVENT(text) text, sizeof(text)
static const struct {
    const char *data;
    gsize len;
    int kind; /* -1: no news */
    const char *gpu, *why;
} events[] = {
    {EVENT("change@/devices/x\0ACTION=change\0DEVPATH=/devices/pci0000:00/0000:00:02.0/0000:05:00.0/drm/card0\0"
           "SUBSYSTEM=drm\0WEDGED=rebind,bus-reset"),
     VG_NEWS_FAILED, "0000:05:00.0", "its driver says that it hangs for good (rebind,bus-reset)"},
    /* repaired already; a connector; no address; not a display's */
    {EVENT("ACTION=change\0DEVPATH=/devices/pci0000:00/0000:05:00.0/drm/card0\0SUBSYSTEM=drm\0WEDGED=none"), -1, NULL,
     NULL},
    {EVENT("ACTION=change\0DEVPATH=/devices/pci0000:00/0000:05:00.0/drm/card0\0SUBSYSTEM=drm\0HOTPLUG=1"), -1, NULL,
     NULL},
    {EVENT("ACTION=change\0DEVPATH=/devices/virtual/drm/x\0SUBSYSTEM=drm\0WEDGED=rebind"), -1, NULL, NULL},
    {EVENT("ACTION=change\0DEVPATH=/devices/pci0000:00/0000:05:00.0/net/e\0SUBSYSTEM=net\0WEDGED=rebind"), -1, NULL,
     NULL},
    {EVENT("ACTION=add\0DEVPATH=/devices/pci0000:00/0000:05:00.0/9a1b5c1e-0000-4000-8000-000000000001\0SUBSYSTEM=mdev"),
     VG_NEWS_DEVICES, NULL, NULL},
    {EVENT("ACTION=remove\0SUBSYSTEM=pci"), VG_NEWS_DEVICES, NULL, NULL},
    {EVENT("ACTION=bind\0SUBSYSTEM=pci"), VG_NEWS_DEVICES, NULL, NULL},
    {EVENT("ACTION=unbind\0SUBSYSTEM=pci"), VG_NEWS_DEVICES, NULL, NULL},
    {EVENT("ACTION=change\0SUBSYSTEM=pci"), -1, NULL, NULL},
    {"", 0, -1, NULL, NULL},
    {"SUBSYSTEM=mdev", 14, -1, NULL, NULL}, /* not ended */
    {EVENT("\0\0\0"), -1, NULL, NULL},
};

static void test_events(void) {
    for (gsize i = 0; i < G_N_ELEMENTS(events); i++) {
        VgGpuNews news;
        char text[VG_PCIADDR_TEXT];
        g_test_message("event %zu", i);
        gboolean told = vg_gpu_news_of_event(events[i].data, events[i].len, &news);
        g_assert_cmpint(told, ==, events[i].kind >= 0);
        if (told)
            g_assert_cmpint((int)news.kind, ==, events[i].kind);
        if (!told || events[i].gpu == NULL)
            continue;
        g_assert_cmpstr(vg_pciaddr_format(&news.gpu, text), ==, events[i].gpu);
        g_assert_cmpstr(news.why, ==, events[i].why);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu-news/wish-56-lines", test_lines);
    g_test_add_func("/gpu-news/wish-56-events", test_events);
    return g_test_run();
}
