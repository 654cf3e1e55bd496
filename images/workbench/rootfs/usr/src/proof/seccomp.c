/* A seccomp filter: one call is refused by it, before and after. */
#include "proof.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>

static struct sock_filter program[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 0, 3),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sysinfo, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTBLK),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static void expect_refused(void)
{
    struct sysinfo info;
    proof_equal(sysinfo(&info), -1, "the filtered call fails");
    proof_equal(errno, ENOTBLK, "the filtered call's errno is the filter's");
}

int main(void)
{
    struct sock_fprog filter = {sizeof program / sizeof program[0], program};
    proof_begin("seccomp");
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0)
        proof_skip("the kernel has no seccomp filters");
    expect_refused();
    proof_wait();
    expect_refused();
    proof_equal(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), SECCOMP_MODE_FILTER, "the seccomp mode");
    proof_equal(proof_status("Seccomp_filters:"), 1, "the number of filters");
    proof_passed();
}
