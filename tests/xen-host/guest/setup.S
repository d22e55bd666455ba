/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * setup.S: makes a bzImage of the small kernel, because QEMU enters that in an HVM guest (by its linuxboot ROM), and not
 * our multiboot header. The sectors that Linux's boot protocol (Documentation/x86/boot.rst, version 2.2) puts before the
 * kernel: the header that QEMU reads, and code that it enters in real mode with ds 0x1000 and this file's start at ds:0.
 * It goes to 32 bits, moves the kernel from where QEMU must put it to where it is linked, and enters it.
 */
#define BASE 0x10000
#define LOADED 0x100000
#define LINKED 0x400000

    .code16
    .org 0x1f1
    .byte 1       /* setup_sects: one, after the first */
    .org 0x1fe
    .word 0xaa55
    jmp enter
    .org 0x202
    .ascii "HdrS"
    .word 0x202
    .org 0x211
    .byte 1       /* loadflags: the kernel lies high */
    .org 0x214
    .long LOADED
    .org 0x228
    .long 0       /* cmd_line_ptr, filled in by QEMU */
    .org 0x240
enter:
    cli
    lgdtl gdtr
    mov %cr0, %eax
    or $1, %eax
    mov %eax, %cr0
    ljmpl $8, $BASE + flat

    .code32
flat:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $LOADED, %esi
    mov $LINKED, %edi
    mov $KERNEL_SIZE, %ecx
    cld
    rep movsb
    mov $0x2badb002, %eax /* what start.S tells an HVM guest from a PVH one by */
    mov BASE + 0x228, %ebx
    mov $LINKED, %ecx
    jmp *%ecx

    .align 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff
    .quad 0x00cf93000000ffff
gdtr:
    .word 23
    .long BASE + gdt
    .org 0x400
