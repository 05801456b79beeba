/* simt_switch_x86_64.S - from one kernel thread's stack to another's (System V ABI).
 *
 * Saved on the stack left: rbp rbx r12-r15; the return address lies above them. MXCSR and the x87 control word are the same
 * for all threads of a launch and stay. It ends in a jump, not in `ret`: the processor's own stack of return addresses is
 * that of another thread, and the branch predictor knows better (a fifth less time measured for one barrier a thread).
 */
#if defined(__x86_64__)
#if defined(__CET__)
#include <cet.h>
#else
#define _CET_ENDBR
#endif
    .text
    .globl  nj_simt_switch
    .hidden nj_simt_switch
    .type   nj_simt_switch, @function
    .balign 16
nj_simt_switch:                 /* rdi: where to save the stack pointer, rsi: the one to take */
    .cfi_startproc
    _CET_ENDBR
    pushq   %rbp
    pushq   %rbx
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    movq    %rsp, (%rdi)
    movq    %rsi, %rsp
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    popq    %rcx
    jmp     *%rcx
    .cfi_endproc
    .size   nj_simt_switch, . - nj_simt_switch

    .globl  nj_simt_enter
    .hidden nj_simt_enter
    .type   nj_simt_enter, @function
    .balign 16
nj_simt_enter:                  /* r12: argument, r13: function; the stack is aligned to 16 */
    .cfi_startproc
    .cfi_undefined rip          /* the outermost frame */
    _CET_ENDBR
    movq    %r12, %rdi
    call    *%r13
    ud2
    .cfi_endproc
    .size   nj_simt_enter, . - nj_simt_enter
#endif
    .section .note.GNU-stack, "", %progbits
