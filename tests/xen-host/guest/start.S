/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * start.S: entries and notes. PV comes with a stack, paging on and the start info in rsi; PVH in flat 32 bits without
 * paging and the start info in ebx, and so does HVM after setup.S, with its command line in ebx.
 */
#include <xen/elfnote.h>

.macro note type:req, more:vararg
    .pushsection .note.Xen, "a", @note
    .align 4
    .long 4, 2f - 1f, \type
    .asciz "Xen"
1:  \more
2:  .align 4
    .popsection
.endm

    note XEN_ELFNOTE_GUEST_OS, .asciz "virtgrid-test"
    note XEN_ELFNOTE_GUEST_VERSION, .asciz "1"
    note XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
    note XEN_ELFNOTE_LOADER, .asciz "generic"

    .text
    .globl _start
#ifdef __x86_64__
    note XEN_ELFNOTE_VIRT_BASE, .quad 0
    note XEN_ELFNOTE_PADDR_OFFSET, .quad 0
    note XEN_ELFNOTE_ENTRY, .quad _start
    note XEN_ELFNOTE_HYPERCALL_PAGE, .quad hypercall_page
    note XEN_ELFNOTE_FEATURES, .asciz "!writable_page_tables|pae_pgdir_above_4gb"
    note XEN_ELFNOTE_PAE_MODE, .asciz "yes"
_start:
    lea stack + 4 * 4096(%rip), %rsp
    mov %rsi, %rdi
    xor %ebp, %ebp
    call start_pv
#else
    note XEN_ELFNOTE_PHYS32_ENTRY, .long _start
    .section .start, "ax"
_start:
    cli
    mov $stack + 4 * 4096, %esp
    push %ebx
    push %eax
    call start_hvm
#endif
1:  jmp 1b

    .section .note.GNU-stack, "", @progbits
