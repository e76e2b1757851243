package io.vpasid.vmm.linux.calls;

import java.lang.foreign.MemorySegment;

/// System calls that go on to others, for tests that change some of them.
public class ForwardingCalls implements SystemCalls {
  private final SystemCalls calls;

  /// @param calls what answers the calls that are not changed
  public ForwardingCalls(SystemCalls calls) {
    this.calls = calls;
  }

  @Override
  public int open(CallFrame frame, MemorySegment path) {
    return calls.open(frame, path);
  }

  @Override
  public int close(CallFrame frame, int fd) {
    return calls.close(frame, fd);
  }

  @Override
  public int ioctl(CallFrame frame, int fd, int request) {
    return calls.ioctl(frame, fd, request);
  }

  @Override
  public long pread(CallFrame frame, int fd, int length, long position) {
    return calls.pread(frame, fd, length, position);
  }

  @Override
  public long pwrite(CallFrame frame, int fd, int length, long position) {
    return calls.pwrite(frame, fd, length, position);
  }

  @Override
  public long read(CallFrame frame, int fd, MemorySegment buffer) {
    return calls.read(frame, fd, buffer);
  }

  @Override
  public long write(CallFrame frame, int fd, MemorySegment buffer) {
    return calls.write(frame, fd, buffer);
  }

  @Override
  public int poll(CallFrame frame, int first, int second, int timeout) {
    return calls.poll(frame, first, second, timeout);
  }

  @Override
  public int eventfd(CallFrame frame) {
    return calls.eventfd(frame);
  }
}
