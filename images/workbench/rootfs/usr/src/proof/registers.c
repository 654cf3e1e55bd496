/* All general registers, the flags and the segment registers, kept in a loop that makes no system call. */
#include "proof.h"

#define TURNS 10000000

/* Names without `static`, because the assembler code below refers to them. */
unsigned general[7]; /* eax ebx ecx edx esi edi ebp */
unsigned stack_before, stack_after, flags;
void spin(void);

/*
 * `loop` and `lea` count without touching a flag: ecx goes down, eax goes up, and all other registers and
 * flags stay. The flags loaded are CF PF AF ZF SF IF DF OF ID; in particular IOPL is 0.
 */
asm(".text\n"
    ".globl spin\n"
    "spin:\n"
    "pusha\n"
    "pushfl\n"
    "movl %esp, stack_before\n"
    "pushl $0x200ed7\n"
    "popfl\n"
    "movl $0, %eax\n"
    "movl $0xb1b2b3b4, %ebx\n"
    "movl $10000000, %ecx\n"
    "movl $0xd1d2d3d4, %edx\n"
    "movl $0x51525354, %esi\n"
    "movl $0x61626364, %edi\n"
    "movl $0xe1e2e3e4, %ebp\n"
    "1:\n"
    "leal 1(%eax), %eax\n"
    "loop 1b\n"
    "movl %eax, general\n"
    "movl %ebx, general+4\n"
    "movl %ecx, general+8\n"
    "movl %edx, general+12\n"
    "movl %esi, general+16\n"
    "movl %edi, general+20\n"
    "movl %ebp, general+24\n"
    "movl %esp, stack_after\n"
    "pushfl\n"
    "popl flags\n"
    "popfl\n"
    "popa\n"
    "ret\n");

static void spin_and_compare(void)
{
    spin();
    proof_equal(general[0], TURNS, "eax has counted every turn");
    proof_equal(general[1], 0xb1b2b3b4, "ebx is kept");
    proof_equal(general[2], 0, "ecx has counted down");
    proof_equal(general[3], 0xd1d2d3d4, "edx is kept");
    proof_equal(general[4], 0x51525354, "esi is kept");
    proof_equal(general[5], 0x61626364, "edi is kept");
    proof_equal(general[6], 0xe1e2e3e4, "ebp is kept");
    proof_equal(stack_after, stack_before, "esp is kept");
    proof_equal(flags, 0x200ed7, "the flags are kept");
}

static void read_segments(unsigned short *segment)
{
    asm volatile("movw %%cs, %0" : "=r"(segment[0]));
    asm volatile("movw %%ds, %0" : "=r"(segment[1]));
    asm volatile("movw %%es, %0" : "=r"(segment[2]));
    asm volatile("movw %%fs, %0" : "=r"(segment[3]));
    asm volatile("movw %%gs, %0" : "=r"(segment[4]));
    asm volatile("movw %%ss, %0" : "=r"(segment[5]));
}

int main(void)
{
    unsigned short before[6], after[6];
    proof_begin("registers");
    asm volatile("movw %%ds, %%ax\n movw %%ax, %%fs" : : : "eax"); /* glibc leaves fs alone */
    read_segments(before);
    proof_wait_while(spin_and_compare);
    read_segments(after);
    proof_expect(memcmp(before, after, sizeof before) == 0, "the segment registers are kept");
    proof_passed();
}
