package io.vpasid.vmm.linux.calls;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// A kernel that answers requests as a test says, and remembers what it was asked.
///
/// Its descriptors are numbers from 1000 on; those of eventfds are real.
public final class ScriptedKernel extends ForwardingCalls {
  private static final int FIRST = 1000;

  private final Map<Integer, Answer> answers = new HashMap<>();
  private final List<Asked> asked = new ArrayList<>();
  private final List<String> opened = new ArrayList<>();
  private final Set<Integer> open = new TreeSet<>();
  private int next = FIRST;

  /// What a request does with its argument.
  @FunctionalInterface
  public interface Answer {

    /// Answers.
    ///
    /// @param argument the whole block; what is written there goes back to the caller
    /// @return 0 or a negated errno
    int to(MemorySegment argument);
  }

  /// A request that was made.
  ///
  /// @param fd on which descriptor
  /// @param request its number
  /// @param argument the structure in hexadecimal, as many bytes as its first member says
  public record Asked(int fd, int request, String argument) {}

  /// A kernel that answers every request with ENOTTY.
  public ScriptedKernel() {
    super(SystemCalls.ofThisProcess());
  }

  /// Answers a request from now on.
  public ScriptedKernel on(int request, Answer answer) {
    answers.put(request, answer);
    return this;
  }

  /// What it was asked so far, and forgets it.
  public List<Asked> asked() {
    List<Asked> all = List.copyOf(asked);
    asked.clear();
    return all;
  }

  /// The paths that were opened.
  public List<String> opened() {
    return opened;
  }

  /// The descriptors that are open.
  public Set<Integer> open() {
    return open;
  }

  /// Counts a descriptor as opened by an answer.
  public int give(int fd) {
    open.add(fd);
    return fd;
  }

  /// A new eventfd, as an answer to a request that opens something.
  public int event() {
    return eventfd(CallFrame.current());
  }

  @Override
  public int open(CallFrame frame, MemorySegment path) {
    opened.add(path.getString(0));
    return give(next++);
  }

  @Override
  public int close(CallFrame frame, int fd) {
    open.remove(fd);
    return fd >= FIRST ? 0 : super.close(frame, fd);
  }

  @Override
  public int eventfd(CallFrame frame) {
    return give(super.eventfd(frame));
  }

  @Override
  public int ioctl(CallFrame frame, int fd, int request) {
    int size = frame.block.get(JAVA_INT, 0);
    int shown = Math.clamp(size, 0, CallFrame.BLOCK);
    asked.add(new Asked(fd, request, hex(frame.block.asSlice(0, shown).toArray(JAVA_BYTE))));
    Answer answer = answers.get(request);
    return answer == null ? -25 : answer.to(frame.block);
  }

  @Override
  public long pread(CallFrame frame, int fd, int length, long position) {
    asked.add(new Asked(fd, length, hex(position)));
    frame.block.copyFrom(MemorySegment.ofArray(new byte[] {0x1b, 0, 1, 0x24}));
    return length;
  }

  @Override
  public long pwrite(CallFrame frame, int fd, int length, long position) {
    asked.add(new Asked(fd, length, hex(position)));
    asked.add(new Asked(fd, length, hex(frame.block.asSlice(0, length).toArray(JAVA_BYTE))));
    return length;
  }

  /// The memory that a member of a structure points to.
  @SuppressWarnings("restricted")
  public static MemorySegment memory(long address, long size) {
    // SAFETY: whoever made the request keeps its buffer until it is answered.
    return MemorySegment.ofAddress(address).reinterpret(size);
  }

  /// The 8 bytes of a number, little endian and in hexadecimal.
  public static String hex(long number) {
    return HexFormat.of().toHexDigits(Long.reverseBytes(number));
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }
}
