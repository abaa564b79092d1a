// Sends one request after another on each of many connections, and measures what the server spends on them.
//
//   appendload PORT PID CONNECTIONS SECONDS METHOD TARGET CONTENT-TYPE BODY-FILE
//
// Prints the requests answered, the microseconds of CPU time that process PID took for one, and the quantiles of the time from
// a request to its answer in microseconds, as JSON: each connection waits for its answer, so those are of a server that is
// asked as fast as it answers. Any answer but 2xx ends it with an error. Linux only (epoll, /proc).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    int fd;
    size_t sent, have;
    double asked;
    char answer[16384];
} Connection;

static char *request;
static size_t request_bytes;
static long answered;
// Answers by their time in microseconds; the last one is for all that took longer.
static long times[1 << 20];

static void fail(const char *what) {
    fprintf(stderr, "appendload: %s (%s)\n", what, strerror(errno));
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

// Seconds of CPU time of all threads, from the scheduler's own account.
static double spent(const char *pid) {
    char name[64], text[1024];
    snprintf(name, sizeof name, "/proc/%s/stat", pid);
    FILE *file = fopen(name, "r");
    if (!file || !fgets(text, sizeof text, file)) fail("no such process");
    fclose(file);
    unsigned long user, system;
    if (sscanf(strrchr(text, ')') + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        fail("the process's account has another form");
    return (double)(user + system) / sysconf(_SC_CLK_TCK);
}

static double quantile(double part) {
    long seen = 0, rank = part * answered;
    for (long time = 0; time < 1 << 20; time++)
        if ((seen += times[time]) > rank) return time;
    return 1 << 20;
}

static void push(Connection *one) {
    if (!one->sent) one->asked = now();
    while (one->sent < request_bytes) {
        ssize_t count = send(one->fd, request + one->sent, request_bytes - one->sent, MSG_NOSIGNAL);
        if (count < 0) {
            if (errno == EAGAIN) return;
            fail("send");
        }
        one->sent += count;
    }
}

// Takes one whole answer off what was read; 0 when it is not all here.
static int take(Connection *one) {
    one->answer[one->have] = 0;
    char *end = strstr(one->answer, "\r\n\r\n");
    if (!end) return 0;
    if (strncmp(one->answer, "HTTP/1.1 2", 10)) {
        fprintf(stderr, "appendload: %.*s\n", 300, one->answer);
        exit(1);
    }
    size_t length = end + 4 - one->answer;
    for (char *line = one->answer; line < end; line = strstr(line, "\r\n") + 2)
        if (!strncasecmp(line, "content-length:", 15)) length += strtoul(line + 15, 0, 10);
        else if (!strncasecmp(line, "transfer-encoding:", 18)) fail("a chunked answer");
    if (one->have < length) return 0;
    memmove(one->answer, one->answer + length, one->have - length);
    one->have -= length;
    return 1;
}

static void run(Connection *connections, int count, int poll, double until) {
    struct epoll_event events[256];
    while (now() < until) {
        int ready = epoll_wait(poll, events, 256, 100);
        for (int i = 0; i < ready; i++) {
            Connection *one = events[i].data.ptr;
            ssize_t got = recv(one->fd, one->answer + one->have, sizeof one->answer - 1 - one->have, 0);
            if (got == 0) fail("the server closed a connection");
            if (got < 0 && errno != EAGAIN) fail("recv");
            if (got > 0) one->have += got;
            if (take(one)) {
                answered++;
                long time = (now() - one->asked) * 1e6;
                times[time < (1 << 20) - 1 ? time : (1 << 20) - 1]++;
                one->sent = 0;
            }
            push(one);
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 9) fail("usage: appendload PORT PID CONNECTIONS SECONDS METHOD TARGET CONTENT-TYPE BODY-FILE");
    int count = atoi(argv[3]);
    FILE *file = fopen(argv[8], "r");
    if (!file) fail("no body");
    char *body = malloc(1 << 20);
    size_t body_bytes = fread(body, 1, 1 << 20, file);
    request = malloc(body_bytes + 4096);
    request_bytes = sprintf(request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n", argv[5], argv[6], argv[1]);
    if (body_bytes)
        request_bytes += sprintf(request + request_bytes, "Content-Type: %s\r\nContent-Length: %zu\r\n", argv[7], body_bytes);
    request_bytes += sprintf(request + request_bytes, "\r\n");
    memcpy(request + request_bytes, body, body_bytes);
    request_bytes += body_bytes;

    int poll = epoll_create1(0);
    Connection *connections = calloc(count, sizeof *connections);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < count; i++) {
        int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, (void *)&address, sizeof address)) fail("connect");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        connections[i].fd = fd;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
        push(&connections[i]);
    }
    double seconds = atof(argv[4]);
    run(connections, count, poll, now() + (seconds < 1 ? seconds : 1));
    answered = 0;
    memset(times, 0, sizeof times);
    double cpu = spent(argv[2]), began = now();
    run(connections, count, poll, began + seconds);
    double took = now() - began;
    cpu = spent(argv[2]) - cpu;
    printf("{\"answered\": %ld, \"a_second\": %.0f, \"cpu_us\": %.2f, \"p50_us\": %.0f, \"p99_us\": %.0f}\n", answered,
           answered / took, cpu * 1e6 / answered, quantile(0.5), quantile(0.99));
    return 0;
}
