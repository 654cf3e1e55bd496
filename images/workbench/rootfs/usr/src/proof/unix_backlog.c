/* A connection that was made, with data on it, and that nobody has accepted yet. */
#include "proof.h"
#include <sys/socket.h>
#include <sys/un.h>

int main(void)
{
    struct sockaddr_un address;
    char buffer[16] = "";
    int listener, client, server;
    proof_begin("unix_backlog");
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, proof_path("socket"));
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    proof_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0, "a socket is bound");
    proof_equal(listen(listener, 3), 0, "it listens");
    proof_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0, "a client connects");
    proof_equal(write(client, "early", 5), 5, "the client writes");
    proof_wait();
    server = accept(listener, NULL, NULL);
    proof_expect(server >= 0, "the waiting connection is accepted");
    proof_equal(read(server, buffer, sizeof buffer), 5, "its data are read");
    proof_expect(strcmp(buffer, "early") == 0, "the data are kept");
    proof_equal(write(server, "late", 4), 4, "the server answers");
    proof_equal(read(client, buffer, sizeof buffer), 4, "the client gets the answer");
    proof_equal(accept(listener, NULL, NULL), -1, "there was one connection");
    proof_passed();
}
