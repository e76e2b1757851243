package io.vpasid.it.realkernel;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/// The program that runs in a guest: has the DMA engine of a function read and write this process's
/// own memory, through the driver `vpasid_sva`. After each step it says what came of it: the
/// engine's status, in hexadecimal, and whether memory is as it should be.
final class GuestSva {
  private static final int READ = 1;
  private static final int WRITE = 2;
  private static final int COPY = 3;
  private static final int WITH_PASID = 1;
  private static final int WITH_PAGE_REQUESTS = 3;
  private static final int COMMAND_BYTES = 40;
  private static final int RESULT_BYTES = 24;
  private static final int SIZE = 0x1_0000;
  private static final long VALUE = 0x1122_3344_5566_7788L;

  private final RandomAccessFile port;
  private final RandomAccessFile driver;
  private final Path folder = Path.of(System.getProperty("java.io.tmpdir"));

  private GuestSva(RandomAccessFile port, RandomAccessFile driver) {
    this.port = port;
    this.driver = driver;
  }

  /// Runs.
  ///
  /// @param arguments the port to the host
  public static void main(String[] arguments) throws IOException {
    try (RandomAccessFile port = new RandomAccessFile(arguments[0], "rw");
        RandomAccessFile driver = new RandomAccessFile("/dev/vpasid_sva", "rw")) {
      new GuestSva(port, driver).run();
    }
  }

  private void run() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment touched = map(arena, "touched", MapMode.READ_WRITE);
      touched.fill((byte) 0x5a);
      touched.set(ValueLayout.JAVA_LONG, 0, VALUE);
      Result read = ask(READ, WITH_PASID, 0, touched.address(), 0, 0);
      say("bound", read.pasid > 0);
      say("read", read.status, read.data == VALUE);
      Result written = ask(WRITE, WITH_PASID, 0, 0, touched.address() + 8, VALUE);
      say("write", written.status, touched.get(ValueLayout.JAVA_LONG, 8) == VALUE);

      MemorySegment fresh = map(arena, "fresh", MapMode.READ_WRITE);
      Result faulted = ask(WRITE, WITH_PASID, 0, 0, fresh.address(), VALUE);
      say("write what is not present", faulted.status, faulted.address == fresh.address());
      Result paged = ask(WRITE, WITH_PAGE_REQUESTS, 0, 0, fresh.address(), VALUE);
      say("ask for it", paged.status, fresh.get(ValueLayout.JAVA_LONG, 0) == VALUE);
      MemorySegment whole = map(arena, "whole", MapMode.READ_WRITE);
      Result copied = ask(COPY, WITH_PAGE_REQUESTS, 0, touched.address(), whole.address(), 0);
      say("copy 16 pages", copied.status, whole.mismatch(touched) == -1);

      MemorySegment constant = map(arena, "touched", MapMode.READ_ONLY);
      boolean same = constant.mismatch(touched) == -1;
      Result refused = ask(WRITE, WITH_PASID, 0, 0, constant.address(), 0);
      say("write what is read-only", refused.status, same);
      Result kept = ask(WRITE, WITH_PAGE_REQUESTS, 0, 0, constant.address(), 0);
      say("ask for it", kept.status, touched.get(ValueLayout.JAVA_LONG, 0) == VALUE);

      Result nowhere = ask(WRITE, WITH_PAGE_REQUESTS, 0, 0, gone(), 0);
      say("ask for what is unmapped", nowhere.status, true);
      Result other = ask(READ, WITH_PASID, read.pasid + 1, touched.address(), 0, 0);
      say("read with another PASID", other.status, other.data != VALUE);
    }
  }

  private MemorySegment map(Arena arena, String name, MapMode mode) throws IOException {
    try (FileChannel file =
        FileChannel.open(
            folder.resolve(name),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      return file.map(mode, 0, SIZE, arena);
    }
  }

  /// An address at which there was memory.
  private long gone() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      return map(arena, "gone", MapMode.READ_WRITE).address();
    } finally {
      Files.delete(folder.resolve("gone"));
    }
  }

  /// What the driver says of a command.
  private record Result(int status, int pasid, long data, long address) {}

  /// @param pasid 0 for this process's
  private Result ask(int command, int flags, int pasid, long source, long destination, long data)
      throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(COMMAND_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(command).putInt(flags).putInt(SIZE).putInt(pasid);
    driver.write(bytes.putLong(source).putLong(destination).putLong(data).array());
    byte[] answer = new byte[RESULT_BYTES];
    if (driver.read(answer) != RESULT_BYTES) {
      throw new IOException("The driver says " + Arrays.toString(answer));
    }
    ByteBuffer result = ByteBuffer.wrap(answer).order(ByteOrder.LITTLE_ENDIAN);
    return new Result(result.getInt(), result.getInt(), result.getLong(), result.getLong());
  }

  private void say(String step, int status, boolean asItShould) throws IOException {
    say(step + ", status " + Integer.toHexString(status), asItShould);
  }

  private void say(String step, boolean asItShould) throws IOException {
    port.writeBytes(step + ": " + asItShould + "\n");
    if (port.read() < 0) {
      throw new IOException("The host has gone");
    }
  }
}
