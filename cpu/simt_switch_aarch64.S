/* simt_switch_aarch64.S - from one kernel thread's stack to another's (AAPCS64).
 *
 * Saved on the stack left: x19-x30 and d8-d15, 160 bytes. FPCR is the same for all threads of a launch and stays.
 */
#if defined(__aarch64__)
    .text
    .globl  nj_simt_switch
    .hidden nj_simt_switch
    .type   nj_simt_switch, %function
    .balign 16
nj_simt_switch:                 /* x0: where to save the stack pointer, x1: the one to take */
    .cfi_startproc
    stp     d8, d9, [sp, #-160]!
    stp     d10, d11, [sp, #16]
    stp     d12, d13, [sp, #32]
    stp     d14, d15, [sp, #48]
    stp     x19, x20, [sp, #64]
    stp     x21, x22, [sp, #80]
    stp     x23, x24, [sp, #96]
    stp     x25, x26, [sp, #112]
    stp     x27, x28, [sp, #128]
    stp     x29, x30, [sp, #144]
    mov     x2, sp
    str     x2, [x0]
    mov     sp, x1
    ldp     d10, d11, [sp, #16]
    ldp     d12, d13, [sp, #32]
    ldp     d14, d15, [sp, #48]
    ldp     x19, x20, [sp, #64]
    ldp     x21, x22, [sp, #80]
    ldp     x23, x24, [sp, #96]
    ldp     x25, x26, [sp, #112]
    ldp     x27, x28, [sp, #128]
    ldp     x29, x30, [sp, #144]
    ldp     d8, d9, [sp], #160
    ret
    .cfi_endproc
    .size   nj_simt_switch, . - nj_simt_switch

    .globl  nj_simt_enter
    .hidden nj_simt_enter
    .type   nj_simt_enter, %function
    .balign 16
nj_simt_enter:                  /* x19: argument, x20: function */
    .cfi_startproc
    .cfi_undefined x30          /* the outermost frame */
    mov     x0, x19
    blr     x20
    brk     #1
    .cfi_endproc
    .size   nj_simt_enter, . - nj_simt_enter
#endif
    .section .note.GNU-stack, "", %progbits
