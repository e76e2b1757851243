/*
 * Measures any vfio-user server: round trips of a REGION_READ of 4 bytes of the configuration space.
 *
 *   client SECONDS WINDOW SOCKET...
 *
 * SECONDS of warm-up and as many that count. WINDOW requests are under way on each of the sockets: as
 * many are sent, in one call, as replies have come. Prints one line: round trips per second in all, then
 * the median, the 99th and the 99.9th percentile of the time from one call to the next reply in
 * nanoseconds, which with a window of 1 is that of a round trip.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST = 32, REPLY = 36, VERSION = 1, REGION_READ = 9, CONFIG_REGION = 7, SAMPLES = 8 << 20 };

struct connection {
    int fd;
    int under_way;      /* requests that are not answered */
    uint64_t sent;      /* when the last ones were sent, in ns */
    size_t part;        /* bytes of a reply that is not complete */
};

static unsigned char requests[REQUEST * 1024];
static unsigned char replies[REPLY * 1024];
static uint32_t *samples;
static size_t sample_count;

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void header(unsigned char *at, uint16_t command, uint32_t size)
{
    uint16_t id = 1;
    memset(at, 0, 16);
    memcpy(at, &id, 2);
    memcpy(at + 2, &command, 2);
    memcpy(at + 4, &size, 4);
}

static void fill(int fd, unsigned char *at, size_t length)
{
    while (length > 0) {
        ssize_t n = recv(fd, at, length, 0);
        if (n <= 0) {
            die("recv");
        }
        at += n;
        length -= n;
    }
}

static int open_session(const char *path)
{
    static const char json[] = "{\"capabilities\":{\"max_msg_fds\":1}}";
    unsigned char version[20 + sizeof(json)], head[16], rest[4096];
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    uint32_t size;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    for (int tries = 0; connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0; tries++) {
        if (tries == 500) {
            die(path);
        }
        usleep(10000);
    }
    header(version, VERSION, sizeof(version));
    memset(version + 16, 0, 4);
    memcpy(version + 20, json, sizeof(json));
    if (send(fd, version, sizeof(version), 0) != sizeof(version)) {
        die("send");
    }
    fill(fd, head, 16);
    memcpy(&size, head + 4, 4);
    if (size < 16 || size - 16 > sizeof(rest)) {
        fprintf(stderr, "strange reply\n");
        exit(1);
    }
    fill(fd, rest, size - 16);
    return fd;
}

static void ask(struct connection *c, int count)
{
    c->sent = now();
    c->under_way += count;
    if (send(c->fd, requests, (size_t)count * REQUEST, 0) != (ssize_t)count * REQUEST) {
        die("send");
    }
}

/* How many replies have come. */
static int take(struct connection *c)
{
    ssize_t n = recv(c->fd, replies, (size_t)c->under_way * REPLY - c->part, 0);
    uint32_t flags;
    int whole;

    if (n <= 0) {
        die("recv");
    }
    if (c->part == 0 && n >= 16) {
        memcpy(&flags, replies + 8, 4);
        if (flags != 1) {
            fprintf(stderr, "the server refuses\n");
            exit(1);
        }
    }
    c->part += n;
    whole = c->part / REPLY;
    c->part %= REPLY;
    c->under_way -= whole;
    return whole;
}

static double run(struct connection *all, struct pollfd *fds, int count, int window, double seconds)
{
    uint64_t start = now(), end = start + (uint64_t)(seconds * 1e9), done = 0, t;

    sample_count = 0;
    for (int i = 0; i < count; i++) {
        ask(&all[i], window);
    }
    for (int busy = count; busy > 0;) {
        if (count > 1 && poll(fds, count, -1) < 0) {
            die("poll");
        }
        for (int i = 0; i < count; i++) {
            if (count > 1 && !(fds[i].revents & POLLIN)) {
                continue;
            }
            int whole = take(&all[i]);
            done += whole;
            t = now();
            if (whole > 0 && sample_count < SAMPLES) {
                samples[sample_count++] = t - all[i].sent;
            }
            if (t < end) {
                if (whole > 0) {
                    ask(&all[i], whole);
                }
            } else if (all[i].under_way == 0) {
                busy--;
            }
        }
    }
    return done / ((now() - start) / 1e9);
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "client SECONDS WINDOW SOCKET...\n");
        return 2;
    }
    double seconds = atof(argv[1]);
    int window = atoi(argv[2]), count = argc - 3;
    struct connection *all = calloc(count, sizeof(*all));
    struct pollfd *fds = calloc(count, sizeof(*fds));

    if (window < 1 || window > 1024) {
        return 2;
    }
    for (int i = 0; i < window; i++) {
        unsigned char *at = requests + i * REQUEST;
        uint32_t region = CONFIG_REGION, bytes = 4;
        header(at, REGION_READ, REQUEST);
        memset(at + 16, 0, 8);
        memcpy(at + 24, &region, 4);
        memcpy(at + 28, &bytes, 4);
    }
    samples = malloc(sizeof(*samples) * SAMPLES);
    memset(samples, 0, sizeof(*samples) * SAMPLES);
    for (int i = 0; i < count; i++) {
        all[i].fd = open_session(argv[i + 3]);
        fds[i] = (struct pollfd){ .fd = all[i].fd, .events = POLLIN };
    }
    run(all, fds, count, window, seconds);
    double rate = run(all, fds, count, window, seconds);
    qsort(samples, sample_count, sizeof(*samples), by_value);
    printf("%.0f %u %u %u\n", rate, samples[sample_count / 2], samples[(size_t)(sample_count * 0.99)],
           samples[(size_t)(sample_count * 0.999)]);
    return 0;
}
