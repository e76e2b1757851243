package io.vpasid.guest.vfiouser;

import io.netty.channel.unix.FileDescriptor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// Memory of a client, made as QEMU's `memory-backend-memfd` makes it.
final class Memfd implements AutoCloseable {
  private static final int O_RDONLY = 0;
  private static final int O_RDWR = 2;
  private static final int MFD_ALLOW_SEALING = 2;
  private static final int F_ADD_SEALS = 1033;
  private static final int F_SEAL_SHRINK = 2;

  private final int descriptor;
  private final FileChannel channel;

  private Memfd(int descriptor, FileChannel channel) {
    this.descriptor = descriptor;
    this.channel = channel;
  }

  static Memfd create(int size) throws Throwable {
    int descriptor;
    try (Arena arena = Arena.ofConfined()) {
      descriptor =
          (int)
              call(
                      "memfd_create",
                      FunctionDescriptor.of(
                          ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT))
                  .invokeExact(arena.allocateFrom("guest"), MFD_ALLOW_SEALING);
    }
    FileChannel channel =
        FileChannel.open(
            Path.of("/proc/self/fd/" + descriptor),
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    channel.write(ByteBuffer.allocate(size), 0);
    return new Memfd(descriptor, channel);
  }

  @SuppressWarnings("restricted")
  private static MethodHandle call(
      String name, FunctionDescriptor function, Linker.Option... options) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), function, options);
  }

  /// Makes sure that it cannot become shorter.
  Memfd sealed() throws Throwable {
    int result =
        (int)
            call(
                    "fcntl",
                    FunctionDescriptor.of(
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT),
                    Linker.Option.firstVariadicArg(2))
                .invokeExact(descriptor, F_ADD_SEALS, F_SEAL_SHRINK);
    if (result != 0) {
      throw new IOException("It cannot be sealed.");
    }
    return this;
  }

  /// Another descriptor of it, to be given away.
  FileDescriptor descriptor() throws Throwable {
    return open(O_RDWR);
  }

  /// Another descriptor of it, through which it can only be read.
  FileDescriptor readOnlyDescriptor() throws Throwable {
    return open(O_RDONLY);
  }

  private FileDescriptor open(int flags) throws Throwable {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment path = arena.allocateFrom("/proc/self/fd/" + descriptor);
      return new FileDescriptor(
          (int)
              call(
                      "open",
                      FunctionDescriptor.of(
                          ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
                      Linker.Option.firstVariadicArg(2))
                  .invokeExact(path, flags));
    }
  }

  void put(long position, byte... bytes) throws IOException {
    channel.write(ByteBuffer.wrap(bytes), position);
  }

  byte[] bytes(long position, int count) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(count);
    channel.read(bytes, position);
    return bytes.array();
  }

  void truncate(long size) throws IOException {
    channel.truncate(size);
  }

  @Override
  public void close() throws IOException {
    channel.close();
    new FileDescriptor(descriptor).close();
  }
}
