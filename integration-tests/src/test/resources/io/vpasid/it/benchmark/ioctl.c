/* The loop of IoctlBenchmark in C: a million times, it clears a structure of 16 bytes, sets its four members and makes the
 * request on the pipe that its argument names. Does so for each line that it reads, and answers each with a line, so that the benchmark can measure it. A second
 * thread is there and idle, as every JVM has some: the kernel then counts users of the file at each call. */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct argument {
  uint32_t argsz, flags, pt_id, pasid;
};

static void *idle(void *nothing) {
  pause();
  return nothing;
}

int main(int count, char **arguments) {
  pthread_t thread;
  char line[16];
  int file = count == 2 ? open(arguments[1], O_RDWR) : -1;
  if (file < 0 || pthread_create(&thread, NULL, idle, NULL) != 0) return 1;
  while (fgets(line, sizeof line, stdin)) {
    for (int i = 0; i < 1000000; i++) {
      struct argument argument;
      memset(&argument, 0, sizeof argument);
      argument.argsz = sizeof argument;
      argument.flags = 1;
      argument.pt_id = 3;
      argument.pasid = i;
      if (ioctl(file, FIONREAD, &argument) < 0) return 1;
    }
    puts("done");
    fflush(stdout);
  }
  return 0;
}
