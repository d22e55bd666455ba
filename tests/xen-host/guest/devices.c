/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * devices.c: what comes and goes while the guest runs. It lets go of what it is asked to: a PV disk, card or PCI bus by
 * the state of its frontend, a PCI device of an HVM guest by QEMU's ejection register. Whoever writes "pci" to data/ask
 * is told on the console what is in its PCI slots, "GUEST-PCI 03.0 1b36:0010 010802 f2000000 0 ..." (slot, ids, class,
 * base addresses) and "GUEST-PCI end"; after "mem f2000008" what a device has there, "GUEST-MEM f2000008 00010400";
 * after "keep" it lets go of nothing more.
 */
#include "guest.h"

#include <xen/grant_table.h>
#include <xen/io/pciif.h>
#include <xen/io/xenbus.h>
#include <xen/sched.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define WANTED_OUT 0xae04 /* a bit for each slot that is to be emptied */
#define EJECT 0xae08
#define NOTHING 0xffffffffu
#define PCI_GRANT 8 /* the first that is nobody's */
#define BARS 6
#define PATIENCE 1000000

static const char ask_path[] = "data/ask";
static int keeps;

/* --- words */

static int same(const char *a, const char *b) {
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static char *append(char *to, const char *text) {
    while (*text)
        *to++ = *text++;
    *to = '\0';
    return to;
}

static void say_hex(uint32_t value, unsigned digits) {
    char text[9];
    for (unsigned i = 0; i < digits; i++)
        text[i] = "0123456789abcdef"[value >> 4 * (digits - 1 - i) & 15];
    text[digits] = '\0';
    say(text);
}

static uint32_t read_hex(const char *text) {
    uint32_t value = 0;
    for (; *text; text++)
        value = value << 4 | (uint32_t)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
    return value;
}

/* The value of DIR/NAME, "" if there is none. */
static void get(const char *dir, const char *name, char *value, unsigned size) {
    char path[128];
    unsigned len = (unsigned)(append(append(append(path, dir), "/"), name) - path) + 1;
    if (store_ask(XS_READ, path, len, value, size) != XS_READ)
        value[0] = '\0';
}

static void put(const char *dir, const char *name, const char *value) {
    char request[160], ignored[32];
    char *end = append(append(append(request, dir), "/"), name) + 1;
    store_ask(XS_WRITE, request, (unsigned)(append(end, value) - request), ignored, sizeof ignored);
}

static void put_number(const char *dir, const char *name, unsigned number) {
    char text[12], *at = text + sizeof text - 1;
    *at = '\0';
    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    put(dir, name, at);
}

static void watch(const char *dir, const char *name) {
    char request[160], ignored[32];
    char *end = append(append(append(request, dir), name), "") + 1;
    store_ask(XS_WATCH, request, (unsigned)(append(end, "ours") - request) + 1, ignored, sizeof ignored);
}

/* --- PCI configuration */

#ifdef __x86_64__

/* A PV guest asks the backend, by a page that both have. */
static struct xen_pci_sharedinfo shared __attribute__((aligned(PAGE)));
static grant_entry_v1_t grants[PAGE / sizeof(grant_entry_v1_t)] __attribute__((aligned(PAGE)));
static const Word *mfn_of;
static evtchn_port_t port;
static int connected;

static void offer(const char *dir) {
    xen_pfn_t frame;
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 1};
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = 0};
    set_xen_guest_handle(setup.frame_list, &frame);
    if (!port) {
        hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, (Word)&setup, 1, 0);
        hypercall(__HYPERVISOR_update_va_mapping, (Word)grants, frame * PAGE | 7, UVMF_INVLPG, 0);
        hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, (Word)&alloc, 0, 0);
        port = alloc.port;
        grants[PCI_GRANT].frame = (uint32_t)mfn_of[(Word)&shared / PAGE];
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        grants[PCI_GRANT].flags = GTF_permit_access;
    }
    put_number(dir, "pci-op-ref", PCI_GRANT);
    put_number(dir, "event-channel", port);
    put(dir, "magic", XEN_PCI_MAGIC);
}

static uint32_t config(unsigned devfn, unsigned offset) {
    volatile struct xen_pci_op *op = &shared.op;
    if (!connected)
        return NOTHING;
    op->cmd = XEN_PCI_OP_conf_read;
    op->err = 0;
    op->domain = op->bus = 0;
    op->devfn = devfn;
    op->offset = (int32_t)offset;
    op->size = 4;
    __atomic_or_fetch(&shared.flags, XEN_PCIF_active, __ATOMIC_SEQ_CST);
    notify(port);
    for (unsigned i = 0; i < PATIENCE; i++) {
        if (!(__atomic_load_n(&shared.flags, __ATOMIC_SEQ_CST) & XEN_PCIF_active))
            return op->err ? NOTHING : op->value;
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
    }
    return NOTHING;
}

#else

static void out_word(uint16_t where, uint32_t value) {
    asm volatile("outl %0, %1" : : "a"(value), "Nd"(where));
}

static uint32_t in_word(uint16_t where) {
    uint32_t value;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(where));
    return value;
}

static uint32_t config(unsigned devfn, unsigned offset) {
    if (!hvm)
        return NOTHING;
    out_word(CONFIG_ADDRESS, 1u << 31 | devfn << 8 | offset);
    return in_word(CONFIG_DATA);
}

#endif

static void tell_one(unsigned devfn, uint32_t ids) {
    say("GUEST-PCI ");
    say_hex(devfn >> 3, 2);
    say(".");
    say_hex(devfn & 7, 1);
    say(" ");
    say_hex(ids & 0xffff, 4);
    say(":");
    say_hex(ids >> 16, 4);
    say(" ");
    say_hex(config(devfn, 8) >> 8, 6);
    for (unsigned i = 0; i < BARS; i++) {
        say(" ");
        say_hex(config(devfn, 16 + 4 * i), 8);
    }
    say("\n");
}

static void tell_pci(void) {
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        uint32_t ids = config(devfn, 0);
        if (ids != NOTHING)
            tell_one(devfn, ids);
    }
    say("GUEST-PCI end\n");
}

static void tell_memory(const char *where) {
    say("GUEST-MEM ");
    say(where);
    say(" ");
    say_hex(hvm ? *(volatile uint32_t *)(Word)read_hex(where) : NOTHING, 8);
    say("\n");
}

/* --- frontends: none that moves data, but each has a state */

/* What a backend's state asks of it; Unknown: nothing. */
static enum xenbus_state answer(int pci, int backend) {
    switch (backend) {
    case XenbusStateClosing:
        return XenbusStateClosed;
    case XenbusStateInitWait:
    case XenbusStateInitialised:
        return pci ? XenbusStateInitialised : XenbusStateUnknown;
    case XenbusStateConnected:
    case XenbusStateReconfigured:
        return pci ? XenbusStateConnected : XenbusStateUnknown;
    case XenbusStateReconfiguring:
        return pci ? XenbusStateReconfiguring : XenbusStateUnknown;
    default:
        return XenbusStateUnknown;
    }
}

static void follow(const char *dir, int pci) {
    char backend[96], theirs[4], ours[4];
    get(dir, "backend", backend, sizeof backend);
    if (!backend[0])
        return;
    watch(backend, "/state");
    get(backend, "state", theirs, sizeof theirs);
    get(dir, "state", ours, sizeof ours);
    enum xenbus_state next = answer(pci, theirs[0] - '0');
#ifdef __x86_64__
    connected = pci ? next == XenbusStateConnected : connected;
#endif
    if (next == XenbusStateUnknown || (int)next == ours[0] - '0')
        return;
#ifdef __x86_64__
    if (next == XenbusStateInitialised)
        offer(dir);
#endif
    put_number(dir, "state", next);
}

static void follow_all(const char *kind, int pci) {
    char dir[32], names[128], path[64];
    unsigned len = (unsigned)(append(append(dir, "device/"), kind) - dir) + 1;
    for (unsigned i = 0; i < sizeof names; i++)
        ((volatile char *)names)[i] = '\0';
    if (store_ask(XS_DIRECTORY, dir, len, names, sizeof names - 1) != XS_DIRECTORY)
        return;
    for (const char *name = names; *name; name++) {
        append(append(append(path, dir), "/"), name);
        follow(path, pci);
        while (*name)
            name++;
    }
}

/* --- in all */

static void obey(void) {
    char word[32];
    get("data", "ask", word, sizeof word);
    if (!word[0])
        return;
    put("data", "ask", "");
    if (same(word, "pci"))
        tell_pci();
    else if (same(word, "keep"))
        keeps = 1;
    else
        tell_memory(word + 4);
}

void devices_begin(const Word *pfn_to_mfn) {
#ifdef __x86_64__
    mfn_of = pfn_to_mfn;
#else
    (void)pfn_to_mfn;
#endif
    watch(ask_path, "");
    watch("device", "");
}

void devices_look(void) {
    if (!keeps) {
        follow_all("vbd", 0);
        follow_all("vif", 0);
#ifdef __x86_64__
        connected = 0;
        follow_all("pci", 1);
#endif
    }
    obey();
}

void devices_poll(void) {
#ifndef __x86_64__
    uint32_t slots = hvm && !keeps ? in_word(WANTED_OUT) : 0;
    if (slots != 0 && slots != NOTHING)
        out_word(EJECT, slots);
#endif
}
