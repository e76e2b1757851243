package io.vpasid.vmm.linux.calls;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/// The C functions that this module calls, one method each.
///
/// A method returns what the function returns, or the negated `errno` where that is -1. It may be
/// called by any thread with a frame of its own.
public interface SystemCalls {

  /// Those of this process.
  ///
  /// @throws IllegalStateException if [#obstacle] is not empty
  static SystemCalls ofThisProcess() {
    Optional<String> obstacle = obstacle();
    if (obstacle.isPresent()) {
      throw new IllegalStateException(obstacle.get());
    }
    return Libc.CALLS;
  }

  /// Why this process cannot make native calls, with what would fix it; empty if it can.
  static Optional<String> obstacle() {
    return Libc.obstacle();
  }

  /// `open` with O_RDWR and O_CLOEXEC.
  ///
  /// @param path ends with a zero byte
  int open(CallFrame frame, MemorySegment path);

  /// `close`; the descriptor is gone whatever comes back.
  int close(CallFrame frame, int fd);

  /// `ioctl` with the frame's block as argument.
  int ioctl(CallFrame frame, int fd, int request);

  /// `pread` into the frame's block.
  ///
  /// @param length at most [CallFrame#BLOCK] bytes
  long pread(CallFrame frame, int fd, int length, long position);

  /// `pwrite` of the frame's block.
  ///
  /// @param length at most [CallFrame#BLOCK] bytes
  long pwrite(CallFrame frame, int fd, int length, long position);

  /// `read` into all of a buffer.
  long read(CallFrame frame, int fd, MemorySegment buffer);

  /// `write` of all of a buffer.
  long write(CallFrame frame, int fd, MemorySegment buffer);

  /// `poll` for POLLIN on two descriptors.
  ///
  /// @param timeout in milliseconds
  /// @return bit 0 set if `first` can be read, bit 1 set if `second` can; 0 after the timeout
  int poll(CallFrame frame, int first, int second, int timeout);

  /// `eventfd` with EFD_CLOEXEC.
  int eventfd(CallFrame frame);
}
