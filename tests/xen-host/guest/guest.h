/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* guest.h: what the files of the small guest share. */
#pragma once

#define __XEN_INTERFACE_VERSION__ 0x00040e00
#include <stdint.h>
#include <xen/xen.h>

#include <xen/event_channel.h>
#include <xen/io/xs_wire.h>

#define PAGE 4096

typedef unsigned long Word;

/* --- guest.c */

extern int hvm; /* with a device model, and so with ports */

long hypercall(unsigned nr, Word a, Word b, Word c, Word d);
void notify(evtchn_port_t port);
void say(const char *text);
/* @reply is cut to @size, with a NUL. Returns the type of the answer. */
uint32_t store_ask(uint32_t type, const char *request, unsigned len, char *reply, unsigned size);

/* --- devices.c */

/* Once, when xenstore can be asked. @pfn_to_mfn: of a PV guest, else NULL. */
void devices_begin(const Word *pfn_to_mfn);
/* Something has changed in xenstore. */
void devices_look(void);
/* Now and then: nothing tells an HVM guest without interrupts what its device model wants. */
void devices_poll(void);
