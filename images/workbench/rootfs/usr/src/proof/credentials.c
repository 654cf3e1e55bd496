/* Credentials of a child: user and group ids, groups, capabilities, securebits, no_new_privs. */
#include "proof.h"
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define BIT(capability) (1u << (capability))
#define PERMITTED (BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_NET_BIND_SERVICE))
#define EFFECTIVE BIT(CAP_NET_BIND_SERVICE)
#define INHERITABLE (BIT(CAP_KILL) | BIT(CAP_NET_BIND_SERVICE))
#define SECUREBITS (SECBIT_NOROOT | SECBIT_KEEP_CAPS)

static struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};

static void become(void)
{
    struct __user_cap_data_struct sets[2] = {{EFFECTIVE, PERMITTED, INHERITABLE}, {0, 0, 0}};
    gid_t groups[3] = {10, 70000, 30};
    proof_equal(setgroups(3, groups), 0, "setgroups succeeds");
    proof_equal(prctl(PR_CAPBSET_DROP, CAP_SYS_TIME, 0, 0, 0), 0, "the bounding set is made smaller");
    proof_equal(prctl(PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0), 0, "securebits are set");
    proof_equal(setresgid(100, 200, 300), 0, "setresgid succeeds");
    proof_equal(setresuid(1000, 2000, 3000), 0, "setresuid succeeds");
    proof_equal(syscall(SYS_capset, &header, sets), 0, "capset succeeds");
    proof_equal(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0), 0, "an ambient capability is raised");
    setfsgid(300);
    setfsuid(3000);
    proof_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0, "no_new_privs is set");
}

static void check(void)
{
    struct __user_cap_data_struct sets[2];
    uid_t uids[3];
    gid_t gids[3], groups[3];
    proof_equal(getresuid(&uids[0], &uids[1], &uids[2]), 0, "getresuid succeeds");
    proof_expect(uids[0] == 1000 && uids[1] == 2000 && uids[2] == 3000, "the user ids are kept");
    proof_equal(getresgid(&gids[0], &gids[1], &gids[2]), 0, "getresgid succeeds");
    proof_expect(gids[0] == 100 && gids[1] == 200 && gids[2] == 300, "the group ids are kept");
    proof_equal(setfsuid(-1), 3000, "the user id for files"); /* -1 only asks */
    proof_equal(setfsgid(-1), 300, "the group id for files");
    proof_equal(getgroups(3, groups), 3, "three groups"); /* the kernel sorts them */
    proof_expect(groups[0] == 10 && groups[1] == 30 && groups[2] == 70000, "the groups are kept");
    proof_equal(syscall(SYS_capget, &header, sets), 0, "capget succeeds");
    proof_equal(sets[0].permitted, PERMITTED, "the permitted capabilities");
    proof_equal(sets[0].effective, EFFECTIVE, "the effective capabilities");
    proof_equal(sets[0].inheritable, INHERITABLE, "the inheritable capabilities");
    proof_equal(sets[1].permitted, 0, "the permitted capabilities above 31");
    proof_equal(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0), 1, "the ambient capability");
    proof_equal(prctl(PR_CAPBSET_READ, CAP_SYS_TIME, 0, 0, 0), 0, "the capability dropped from the bounding set");
    proof_equal(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0), 1, "a capability left in the bounding set");
    proof_equal(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0), SECUREBITS, "securebits");
    proof_equal(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0), 1, "keepcaps");
    proof_equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1, "no_new_privs");
}

int main(void)
{
    pid_t child;
    proof_begin("credentials");
    if (geteuid() != 0)
        proof_skip("only root can change them");
    child = proof_fork();
    if (child == 0) {
        become();
        check();
        proof_settled();
        proof_wait_quietly();
        check();
        proof_end(0);
    }
    proof_wait();
    proof_equal(getuid(), 0, "the parent's user id");
    proof_reap(child);
    proof_passed();
}
