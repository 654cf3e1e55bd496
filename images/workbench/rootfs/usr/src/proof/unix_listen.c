/* Listening sockets, one named in the file system and one abstract: clients connect afterwards. */
#include "proof.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static const char abstract[] = "\0proof-unix_listen";

static struct sockaddr_un file_address, abstract_address;
static socklen_t abstract_length = offsetof(struct sockaddr_un, sun_path) + sizeof abstract - 1;

static int listen_at(struct sockaddr_un *address, socklen_t length)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    proof_equal(bind(fd, (struct sockaddr *)address, length), 0, "a socket is bound");
    proof_equal(listen(fd, 3), 0, "it listens");
    return fd;
}

static void serve(int listener, struct sockaddr_un *address, socklen_t length)
{
    struct sockaddr_un own;
    socklen_t own_length = sizeof own;
    char byte;
    int client = socket(AF_UNIX, SOCK_STREAM, 0), server;
    proof_equal(connect(client, (struct sockaddr *)address, length), 0, "a client connects");
    server = accept(listener, NULL, NULL);
    proof_expect(server >= 0, "the connection is accepted");
    proof_equal(write(client, "q", 1), 1, "the client writes");
    proof_equal(read(server, &byte, 1), 1, "the server reads");
    proof_equal(getsockname(listener, (struct sockaddr *)&own, &own_length), 0, "the listener has a name");
    proof_expect(own_length >= 10 && memcmp(own.sun_path, address->sun_path, 10) == 0, "it is the same name");
}

int main(void)
{
    int by_file, by_name;
    proof_begin("unix_listen");
    file_address.sun_family = abstract_address.sun_family = AF_UNIX;
    strcpy(file_address.sun_path, proof_path("socket"));
    memcpy(abstract_address.sun_path, abstract, sizeof abstract - 1);
    by_file = listen_at(&file_address, sizeof file_address);
    by_name = listen_at(&abstract_address, abstract_length);
    proof_wait();
    serve(by_file, &file_address, sizeof file_address);
    serve(by_name, &abstract_address, abstract_length);
    proof_passed();
}
