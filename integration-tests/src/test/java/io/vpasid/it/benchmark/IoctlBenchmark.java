package io.vpasid.it.benchmark;

import io.vpasid.vmm.linux.calls.CallFrame;
import io.vpasid.vmm.linux.calls.IoctlRequest;
import io.vpasid.vmm.linux.calls.OwnedFd;
import io.vpasid.vmm.linux.calls.SystemCalls;
import io.vpasid.vmm.linux.calls.VfioUapi.AttachPt;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// An ioctl with a structure on the way that attaching a PASID takes, and the same loop in C.
///
/// The request is FIONREAD on a named pipe, which every machine has and whose driver takes a lock,
/// as iommufd does; the kernel's part of it is small, so that the rest shows. Each call of either
/// clears the structure, sets its four members and makes the request. `throughTheBackend` is to
/// take at most 1.15 times as long as `inC`, which needs gcc.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class IoctlBenchmark {
  private static final int FIONREAD = 0x541b; // asm-generic/ioctls.h
  private static final int CALLS = 1_000_000;

  /// The structure of VFIO_DEVICE_ATTACH_IOMMUFD_PT with another number.
  private static final IoctlRequest REQUEST =
      new IoctlRequest("FIONREAD", FIONREAD, AttachPt.REQUEST.struct());

  /// The loop in C, as a program that does a million calls for each line it reads.
  @State(Scope.Benchmark)
  public static class Program {
    private Path folder = Path.of("");

    @SuppressWarnings("NullAway.Init") // set in start, which JMH calls first
    private Process process;

    @SuppressWarnings("NullAway.Init") // likewise
    private BufferedReader answers;

    /// Compiles and starts it.
    @Setup
    public void start() throws IOException, InterruptedException {
      folder = Files.createTempDirectory("vpasid-ioctl");
      Path source = folder.resolve("ioctl.c");
      Path program = folder.resolve("ioctl");
      try (InputStream in =
          Objects.requireNonNull(IoctlBenchmark.class.getResourceAsStream("ioctl.c"))) {
        Files.copy(in, source);
      }
      Process gcc =
          new ProcessBuilder("gcc", "-O2", "-pthread", "-o", program.toString(), source.toString())
              .inheritIO()
              .start();
      if (gcc.waitFor() != 0) {
        throw new IllegalStateException("gcc does not compile " + source);
      }
      Path pipe = namedPipe(folder);
      process = new ProcessBuilder(program.toString(), pipe.toString()).start();
      answers = process.inputReader(StandardCharsets.US_ASCII);
    }

    String run() throws IOException {
      process.outputWriter(StandardCharsets.US_ASCII).append('\n').flush();
      return Objects.requireNonNull(answers.readLine(), "the program ended");
    }

    /// Ends it.
    @TearDown
    public void end() throws IOException {
      process.destroy();
      Files.delete(folder.resolve("pipe"));
      Files.delete(folder.resolve("ioctl"));
      Files.delete(folder.resolve("ioctl.c"));
      Files.delete(folder);
    }
  }

  @SuppressWarnings("NullAway.Init") // set in open, which JMH calls first
  private OwnedFd file;

  private int pasid;

  /// Opens a pipe that FIONREAD asks about.
  @Setup
  public void open() throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("vpasid-ioctl");
    Path pipe = namedPipe(folder);
    file = OwnedFd.open(SystemCalls.ofThisProcess(), pipe);
    Files.delete(pipe);
    Files.delete(folder);
  }

  private static Path namedPipe(Path folder) throws IOException, InterruptedException {
    Path pipe = folder.resolve("pipe");
    if (new ProcessBuilder("mkfifo", pipe.toString()).inheritIO().start().waitFor() != 0) {
      throw new IllegalStateException("mkfifo does not make " + pipe);
    }
    return pipe;
  }

  /// Closes it.
  @TearDown
  public void close() {
    file.close();
  }

  /// As [io.vpasid.vmm.iommufd.BoundDevice#attachPasid] makes its request.
  @Benchmark
  public int throughTheBackend() {
    CallFrame frame =
        REQUEST.frame().set(AttachPt.FLAGS, 1).set(AttachPt.PT_ID, 3).set(AttachPt.PASID, pasid++);
    int result = file.ioctl(REQUEST, frame);
    if (result < 0) {
      throw new IllegalStateException("errno " + -result);
    }
    return result;
  }

  /// The same in C, a million times.
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public String inC(Program program) throws IOException {
    return program.run();
  }
}
