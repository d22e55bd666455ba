/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guest.c: the smallest guest that behaves: says on its console that it is up, echoes what is typed there, and does
 * what xenstore's control/shutdown says (poweroff, halt, reboot, crash, suspend). With end=WORD on its command line it
 * does that by itself as soon as it is up. It starts in no time even under emulation, where a Linux takes half a
 * minute. No interrupts, no memory management: it waits in SCHEDOP_poll. -m64 makes a PV guest, -m32 one for PVH and,
 * behind setup.S, for HVM with direct boot.
 *
 * For whoever cannot see its console its folder of xenstore has data/up; data/born, a number that no other start has;
 * and data/lives: 1, and one more each time it was restored and all that it had put into its memory was there.
 */
#include "guest.h"

#include <xen/arch-x86/hvm/start_info.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/io/console.h>
#include <xen/memory.h>
#include <xen/sched.h>

#define MEMORY_PAGES 64 /* that say whose they are */
#define SERIAL 0x3f8
#define SERIAL_STATUS (SERIAL + 5)
#define SERIAL_HAS_INPUT 0x01
#define SERIAL_TAKES_OUTPUT 0x20
#define SERIAL_NS 100000000                          /* how long a typed character may wait */
#define SCREEN ((volatile uint16_t *)0xb8000)        /* text mode, 80 x 25 */
#define XEN_LOG 0xe9                                 /* xl dmesg shows it */
#define CALLBACK_VECTOR (((uint64_t)2 << 56) | 0xf3) /* what makes the toolstack believe in PV drivers */

char hypercall_page[PAGE] __attribute__((aligned(PAGE)));
char stack[4 * PAGE] __attribute__((aligned(PAGE)));
static char shared_page[PAGE] __attribute__((aligned(PAGE)));

static volatile struct xenstore_domain_interface *store;
static volatile struct xencons_interface *console;
static evtchn_port_t store_port, console_port;
static int watch_fired;
static const char *command_line;
int hvm;
static uint64_t born;
static unsigned lives = 1;
static volatile uint64_t memory[MEMORY_PAGES * PAGE / 8] __attribute__((aligned(PAGE)));

/* --- calling Xen */

long hypercall(unsigned nr, Word a, Word b, Word c, Word d) {
    void *entry = hypercall_page + nr * 32;
    long ret;
#ifdef __x86_64__
    register Word r10 asm("r10") = d;
    asm volatile("call *%[entry]"
                 : "=a"(ret), "+D"(a), "+S"(b), "+d"(c), "+r"(r10)
                 : [entry] "r"(entry)
                 : "memory", "rcx", "r8", "r9", "r11");
#else
    asm volatile("call *%%eax" : "=a"(ret), "+b"(a), "+c"(b), "+d"(c), "+S"(d) : "a"(entry) : "memory", "edi");
#endif
    return ret;
}

void notify(evtchn_port_t port) {
    struct evtchn_send send = {.port = port};
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (Word)&send, 0, 0);
}

/* Comes back from a suspend only: 0 if it was restored, 1 if it just goes on. */
static long end(unsigned reason, Word info_mfn) {
    struct sched_shutdown shutdown = {.reason = reason};
    return hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (Word)&shutdown, info_mfn, 0);
}

static void forget_event(evtchn_port_t port) {
    volatile shared_info_t *shared = (void *)shared_page;
    unsigned bits = 8 * sizeof(Word);
    __atomic_and_fetch((Word *)&shared->evtchn_pending[port / bits], ~((Word)1 << (port % bits)), __ATOMIC_SEQ_CST);
}

static uint64_t tsc(void) {
    uint32_t low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* Xen's time, which it writes down once a second; and what has passed since. */
static uint64_t now_ns(void) {
    const volatile struct vcpu_time_info *time = &((volatile shared_info_t *)(void *)shared_page)->vcpu_info[0].time;
    uint64_t passed, system;
    uint32_t version;
    do {
        version = time->version;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        passed = tsc() - time->tsc_timestamp;
        passed = time->tsc_shift < 0 ? passed >> -time->tsc_shift : passed << time->tsc_shift;
        passed = (passed >> 32) * time->tsc_to_system_mul + ((passed & UINT32_MAX) * time->tsc_to_system_mul >> 32);
        system = time->system_time;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    } while (version & 1 || version != time->version);
    return system + passed;
}

/* Returns when one of the other sides may have something to say. A serial line has no event channel: HVM looks. */
static void wait(void) {
    evtchn_port_t ports[2] = {store_port, console_port};
    struct sched_poll poll = {.nr_ports = 2};
    if (hvm)
        poll.timeout = now_ns() + SERIAL_NS;
    set_xen_guest_handle(poll.ports, ports);
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, (Word)&poll, 0, 0);
    forget_event(store_port);
    forget_event(console_port);
}

/* --- console */

static void out(uint16_t port, uint8_t value) {
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in(uint16_t port) {
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

/* Where there is no serial line, all bits are set. */
static uint8_t serial_status(void) {
    uint8_t status = in(SERIAL_STATUS);
    return status == 0xff ? SERIAL_TAKES_OUTPUT : status;
}

static void put(char c) {
    if (hvm) {
        for (unsigned i = 0; i < 10000 && !(serial_status() & SERIAL_TAKES_OUTPUT); i++)
            ;
        out(SERIAL, (uint8_t)c);
        out(XEN_LOG, (uint8_t)c);
    }
    if (!console || console->out_prod - console->out_cons >= sizeof console->out)
        return;
    console->out[MASK_XENCONS_IDX(console->out_prod, console->out)] = c;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    console->out_prod++;
}

void say(const char *text) {
    for (; *text; text++) {
        if (*text == '\n')
            put('\r');
        put(*text);
    }
    if (console)
        notify(console_port);
}

static void echo_one(char c) {
    put(c);
    if (c == '\r')
        put('\n');
}

static void echo(void) {
    int any = 0;
    while (hvm && serial_status() & SERIAL_HAS_INPUT)
        echo_one((char)in(SERIAL));
    while (console && console->in_cons != console->in_prod) {
        char c = console->in[MASK_XENCONS_IDX(console->in_cons, console->in)];
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        console->in_cons++;
        echo_one(c);
        any = 1;
    }
    if (any)
        notify(console_port);
}

/* --- xenstore */

static void store_write(const void *data, unsigned len) {
    const char *from = data;
    while (len) {
        if (store->req_prod - store->req_cons >= XENSTORE_RING_SIZE) {
            wait();
            continue;
        }
        store->req[MASK_XENSTORE_IDX(store->req_prod)] = *from++;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        store->req_prod++;
        len--;
    }
}

static void store_read(void *data, unsigned len, unsigned keep) {
    char *to = data;
    for (unsigned i = 0; i < len;) {
        if (store->rsp_cons == store->rsp_prod) {
            wait();
            continue;
        }
        char c = store->rsp[MASK_XENSTORE_IDX(store->rsp_cons)];
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        store->rsp_cons++;
        if (i < keep)
            to[i] = c;
        i++;
    }
    notify(store_port);
}

/* One message from xenstored; its text, cut to size, with a NUL. Returns its type. */
static uint32_t store_message(char *text, unsigned size) {
    struct xsd_sockmsg head;
    store_read(&head, sizeof head, sizeof head);
    store_read(text, head.len, size - 1);
    text[head.len < size - 1 ? head.len : size - 1] = '\0';
    if (head.type == XS_WATCH_EVENT)
        watch_fired = 1;
    return head.type;
}

uint32_t store_ask(uint32_t type, const char *request, unsigned len, char *reply, unsigned size) {
    struct xsd_sockmsg head = {.type = type, .len = len};
    store_write(&head, sizeof head);
    store_write(request, len);
    notify(store_port);
    do
        type = store_message(reply, size);
    while (type == XS_WATCH_EVENT);
    return type;
}

/* --- life */

static const struct {
    const char *word;
    unsigned reason;
} ends[] = {{"poweroff", SHUTDOWN_poweroff}, {"halt", SHUTDOWN_poweroff},   {"reboot", SHUTDOWN_reboot},
            {"crash", SHUTDOWN_crash},       {"suspend", SHUTDOWN_suspend}, {"watchdog", SHUTDOWN_watchdog}};
#define N_ENDS (sizeof ends / sizeof ends[0])

/* Does @text begin with the word? */
static int is_word(const char *text, const char *word) {
    while (*word && *text == *word)
        text++, word++;
    return !*word && (*text == '\0' || *text == ' ');
}

static unsigned end_of(const char *text) {
    unsigned i = 0;
    while (i < N_ENDS && !is_word(text, ends[i].word))
        i++;
    return i;
}

static void suspend(void);

static void end_so(unsigned i) {
    say("GUEST-END ");
    say(ends[i].word);
    say("\n");
    if (ends[i].reason == SHUTDOWN_suspend)
        suspend();
    else
        end(ends[i].reason, 0);
}

static void store_set(const char *path, const char *value) {
    char request[64], reply[32];
    unsigned len = 0;
    for (; *path; path++)
        request[len++] = *path;
    request[len++] = '\0';
    for (; *value; value++)
        request[len++] = *value;
    store_ask(XS_WRITE, request, len, reply, sizeof reply);
}

static void store_set_number(const char *path, uint64_t number) {
    char text[17];
    for (unsigned i = 0; i < 16; i++)
        text[i] = "0123456789abcdef"[number >> (60 - 4 * i) & 15];
    text[16] = '\0';
    store_set(path, text);
}

static void fill_memory(void) {
    for (unsigned i = 0; i < MEMORY_PAGES; i++)
        memory[i * PAGE / 8] = born + i;
}

static int memory_is_ours(void) {
    for (unsigned i = 0; i < MEMORY_PAGES; i++)
        if (memory[i * PAGE / 8] != born + i)
            return 0;
    return 1;
}

/* Each xenstored that meets it has to be told. */
static void introduce(const char *word) {
    static const char watch[] = "control/shutdown\0ours";
    char reply[32];
    say(word);
    say("\n");
    store_ask(XS_WATCH, watch, sizeof watch, reply, sizeof reply);
    store_set_number("data/born", born);
    store_set_number("data/lives", lives);
    store_set("data/up", "1");
}

static void restored(void) {
    if (memory_is_ours())
        lives++;
    introduce("GUEST-RESTORED");
}

static void obey(void) {
    static const char path[] = "control/shutdown";
    char word[32], ignored[32];
    store_ask(XS_READ, path, sizeof path, word, sizeof word);
    unsigned i = end_of(word);
    if (i == N_ENDS)
        return;
    store_ask(XS_WRITE, path, sizeof path, ignored, sizeof ignored);
    end_so(i);
}

static void obey_command_line(void) {
    static const char name[] = "end=";
    for (const char *at = command_line; at && *at; at++) {
        unsigned n = 0;
        while (name[n] && at[n] == name[n])
            n++;
        if (!name[n] && end_of(at + n) < N_ENDS)
            end_so(end_of(at + n));
    }
}

static void look(void) {
    watch_fired = 0;
    obey();
    devices_look();
}

static void live(const char *kind) {
    char ignored[32];
    born = tsc();
    fill_memory();
    say("GUEST-UP ");
    introduce(kind);
    obey_command_line();
    for (;;) {
        echo();
        devices_poll();
        if (store->rsp_cons != store->rsp_prod)
            store_message(ignored, sizeof ignored);
        else if (watch_fired)
            look();
        else
            wait();
    }
}

/* --- the start of each kind */

#ifdef __x86_64__

static start_info_t *info; /* Xen's page; at an address that is its pfn's, as all memory here */

static Word *pfn_to_mfn(void) {
    return (Word *)info->mfn_list;
}

static Word pfn_of(Word mfn) {
    Word pfn = 0;
    while (pfn < info->nr_pages - 1 && pfn_to_mfn()[pfn] != mfn)
        pfn++;
    return pfn;
}

/* What Xen says in its page, at the start and after a restore. Who saves us finds our memory by our page table. */
static void take_info(void) {
    volatile shared_info_t *shared = (void *)shared_page;
    store = (void *)(pfn_of(info->store_mfn) * PAGE);
    console = (void *)(pfn_of(info->console.domU.mfn) * PAGE);
    store_port = info->store_evtchn;
    console_port = info->console.domU.evtchn;
    hypercall(__HYPERVISOR_update_va_mapping, (Word)shared_page, info->shared_info | 7, UVMF_INVLPG, 0);
    shared->arch.max_pfn = info->nr_pages;
    shared->arch.p2m_vaddr = info->mfn_list;
    shared->arch.p2m_cr3 = pfn_to_mfn()[info->pt_base / PAGE] * PAGE;
}

/* While it is away, its frames are called by their pfns, and nothing of Xen's is mapped. */
static void suspend(void) {
    info->store_mfn = pfn_of(info->store_mfn);
    info->console.domU.mfn = pfn_of(info->console.domU.mfn);
    hypercall(__HYPERVISOR_update_va_mapping, (Word)shared_page, 0, UVMF_INVLPG, 0);
    long cancelled = end(SHUTDOWN_suspend, pfn_to_mfn()[(Word)info / PAGE]);
    if (cancelled) {
        info->store_mfn = pfn_to_mfn()[info->store_mfn];
        info->console.domU.mfn = pfn_to_mfn()[info->console.domU.mfn];
    }
    take_info();
    if (cancelled) {
        say("GUEST-GOES-ON\n");
        return;
    }
    devices_begin(pfn_to_mfn());
    restored();
}

void start_pv(start_info_t *from_xen) {
    info = from_xen;
    command_line = (const char *)info->cmd_line;
    take_info();
    devices_begin(pfn_to_mfn());
    live("pv");
}

#else

static uint64_t param(uint32_t index) {
    struct xen_hvm_param p = {.domid = DOMID_SELF, .index = index};
    return hypercall(__HYPERVISOR_hvm_op, HVMOP_get_param, (Word)&p, 0, 0) == 0 ? p.value : 0;
}

static void cpuid(uint32_t leaf, uint32_t *a, uint32_t *b) {
    uint32_t c, d;
    asm volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(c), "=d"(d) : "a"(leaf), "c"(0));
}

static void make_hypercall_page(void) {
    uint32_t most, word, pages, msr;
    for (uint32_t base = 0x40000000; base < 0x40010000; base += 0x100) {
        cpuid(base, &most, &word);
        if (word != 0x566e6558) /* "XenV" */
            continue;
        cpuid(base + 2, &pages, &msr);
        asm volatile("wrmsr" : : "c"(msr), "a"(hypercall_page), "d"(0) : "memory");
        return;
    }
}

/* What a picture of the screen is known by: the left half blue (0, 0, 168), the right half green (0, 168, 0). */
static void paint(void) {
    for (unsigned i = 0; i < 80 * 25; i++)
        SCREEN[i] = (uint16_t)((i % 80 < 40 ? 0x10 : 0x20) << 8 | ' ');
}

static void meet_xen(void) {
    struct xen_add_to_physmap map = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = (Word)shared_page / PAGE};
    hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, (Word)&map, 0, 0);
    struct xen_hvm_param callback = {.domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ, .value = CALLBACK_VECTOR};
    hypercall(__HYPERVISOR_hvm_op, HVMOP_set_param, (Word)&callback, 0, 0);
    store = (void *)(Word)(param(HVM_PARAM_STORE_PFN) * PAGE);
    store_port = (evtchn_port_t)param(HVM_PARAM_STORE_EVTCHN);
    console = (void *)(Word)(param(HVM_PARAM_CONSOLE_PFN) * PAGE);
    console_port = (evtchn_port_t)param(HVM_PARAM_CONSOLE_EVTCHN);
}

static void suspend(void) {
    if (end(SHUTDOWN_suspend, 0)) {
        say("GUEST-GOES-ON\n");
        return;
    }
    meet_xen();
    devices_begin(0);
    restored();
}

/* @given: PVH: its start info; HVM: its command line, of which setup.S knows. */
void start_hvm(uint32_t magic, Word given) {
    make_hypercall_page();
    meet_xen();
    hvm = magic == 0x2badb002;
    command_line = (const char *)(hvm ? given : (Word)((const struct hvm_start_info *)given)->cmdline_paddr);
    if (hvm)
        paint();
    devices_begin(0);
    live(hvm ? "hvm" : "pvh");
}

#endif
