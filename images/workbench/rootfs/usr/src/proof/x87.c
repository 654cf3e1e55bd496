/* The x87 floating-point unit: control word, status word and a full stack, kept without a system call. */
#include "proof.h"

/* Names without `static`, because the assembler code below refers to them. */
unsigned short control = 0x0b7f; /* round up, 64 bit precision, all exceptions masked */
unsigned turns;
unsigned char state[108];
double values[5] = {1.5, -2.25, 1e300, -1e-300, 0.1};
void spin(void);

/* Eight values, one of them 1/0, which leaves the zero-divide flag set in the status word. */
asm(".text\n"
    ".globl spin\n"
    "spin:\n"
    "fninit\n"
    "fldcw control\n"
    "fld1\n"
    "fldz\n"
    "fdivrp\n"
    "fldpi\n"
    "fldl2e\n"
    "fldl values\n"
    "fldl values+8\n"
    "fldl values+16\n"
    "fldl values+24\n"
    "fldl values+32\n"
    "movl turns, %ecx\n"
    "1:\n"
    "loop 1b\n"
    "fnsave state\n" /* this also empties the stack */
    "ret\n");

/* The words of an fnsave image that hold pointers to the last instruction say nothing about the values. */
static unsigned char wanted[108];

static void spin_and_compare(void)
{
    turns = 10000000;
    spin();
    proof_expect(memcmp(state, wanted, 2) == 0, "the control word is kept");
    proof_expect(memcmp(state + 4, wanted + 4, 2) == 0, "the status word is kept");
    proof_expect(memcmp(state + 8, wanted + 8, 2) == 0, "the tag word is kept");
    proof_expect(memcmp(state + 28, wanted + 28, 80) == 0, "the eight registers are kept");
}

int main(void)
{
    proof_begin("x87");
    turns = 1;
    spin();
    memcpy(wanted, state, sizeof wanted);
    proof_wait_while(spin_and_compare);
    proof_passed();
}
