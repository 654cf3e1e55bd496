/* Sessions and process groups: a session of its own, a group in it, a second member of that group. */
#include "proof.h"

static void keep_ids(void)
{
    pid_t group = getpgrp(), session = getsid(0);
    proof_settled();
    proof_wait_quietly();
    proof_equal(getpgrp(), group, "a child's process group");
    proof_equal(getsid(0), session, "a child's session");
    proof_end(0);
}

/* A session leader with two children that are one group. */
static void lead_session(void)
{
    pid_t leader, member;
    proof_equal(setsid(), getpid(), "setsid makes a session");
    leader = proof_fork();
    if (leader == 0) {
        proof_equal(setpgid(0, 0), 0, "setpgid makes a group");
        keep_ids();
    }
    member = proof_fork();
    if (member == 0) {
        proof_equal(setpgid(0, leader), 0, "setpgid joins a group");
        keep_ids();
    }
    proof_settled();
    proof_wait_quietly();
    proof_equal(getsid(0), getpid(), "the leader's session");
    proof_equal(getpgrp(), getpid(), "the leader's process group");
    proof_reap(leader);
    proof_reap(member);
    proof_end(0);
}

int main(void)
{
    pid_t group, session, leader, sibling;
    proof_begin("session_groups");
    setsid(); /* where this may fail the process leads a group already */
    group = getpgrp();
    session = getsid(0);
    leader = proof_fork();
    if (leader == 0)
        lead_session();
    sibling = proof_fork();
    if (sibling == 0)
        keep_ids();
    proof_wait();
    proof_equal(getpgrp(), group, "the first process's group");
    proof_equal(getsid(0), session, "the first process's session");
    proof_equal(getpgid(leader), leader, "the group of the child that leads a session");
    proof_equal(getsid(leader), leader, "the session of the child that leads it");
    proof_equal(getpgid(sibling), group, "the group of the other child");
    proof_reap(leader);
    proof_reap(sibling);
    proof_passed();
}
