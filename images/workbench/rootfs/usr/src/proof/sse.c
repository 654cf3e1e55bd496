/* The SSE registers xmm0 to xmm7 and mxcsr, kept without a system call. */
#include "proof.h"

/* Names without `static`, because the assembler code below refers to them. */
unsigned char loaded[128], stored[128];
unsigned mxcsr_loaded = 0xdfa1; /* flush to zero, round up, all exceptions masked, IE and PE raised */
unsigned mxcsr_stored, mxcsr_default = 0x1f80;
void spin(void);

asm(".text\n"
    ".globl spin\n"
    "spin:\n"
    "movl $mxcsr_loaded, %edx\n"
    ".byte 0x0f, 0xae, 0x12\n" /* ldmxcsr (%edx), which tcc's assembler does not know */
    "movups loaded, %xmm0\n"
    "movups loaded+16, %xmm1\n"
    "movups loaded+32, %xmm2\n"
    "movups loaded+48, %xmm3\n"
    "movups loaded+64, %xmm4\n"
    "movups loaded+80, %xmm5\n"
    "movups loaded+96, %xmm6\n"
    "movups loaded+112, %xmm7\n"
    "movl $10000000, %ecx\n"
    "1:\n"
    "loop 1b\n"
    "movups %xmm0, stored\n"
    "movups %xmm1, stored+16\n"
    "movups %xmm2, stored+32\n"
    "movups %xmm3, stored+48\n"
    "movups %xmm4, stored+64\n"
    "movups %xmm5, stored+80\n"
    "movups %xmm6, stored+96\n"
    "movups %xmm7, stored+112\n"
    "movl $mxcsr_stored, %edx\n"
    ".byte 0x0f, 0xae, 0x1a\n" /* stmxcsr (%edx) */
    "movl $mxcsr_default, %edx\n"
    ".byte 0x0f, 0xae, 0x12\n"
    "ret\n");

static void spin_and_compare(void)
{
    memset(stored, 0, sizeof stored);
    spin();
    proof_expect(memcmp(stored, loaded, sizeof stored) == 0, "xmm0 to xmm7 are kept");
    proof_equal(mxcsr_stored, mxcsr_loaded, "mxcsr is kept");
}

int main(void)
{
    proof_begin("sse");
    proof_fill(loaded, sizeof loaded, 1);
    proof_wait_while(spin_and_compare);
    proof_passed();
}
