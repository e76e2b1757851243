package io.vpasid.it.contract;

import io.vpasid.pci.PciAddress;
import io.vpasid.synth.Synthesis;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.kernel.KernelProvider;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.DetachOutcome;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;

/// A program that lives the whole life of attachments again and again, on several functions at the
/// same time, each by a thread and an iommufd context of its own, until it is killed. A file says
/// which step each thread is in, and survives the program.
final class KilledLives {
  /// What it prints when each function has lived once.
  static final String READY = "ready";

  static final int PASIDS = 4;
  private static final long MEMORY = 1 << 16;

  /// The steps of a life, each with one request to the kernel or several.
  enum Step {
    /// Between two lives.
    NONE,
    OPEN_IOMMUFD,
    MAP_MEMORY,
    BIND,
    ATTACH_FUNCTION,
    ALLOCATE_PAGE_TABLES,
    ATTACH_PASIDS,
    REPLACE_PASIDS,
    RESET,
    DETACH_PASIDS,
    DETACH_FUNCTION,
    CLOSE_FUNCTION,
    DESTROY_MEMORY,
    CLOSE_IOMMUFD;

    /// How it stands in the file, which only processes of one build share.
    @SuppressWarnings("EnumOrdinal")
    byte code() {
      return (byte) ordinal();
    }

    @SuppressWarnings("EnumOrdinal")
    static Step of(int code) {
      return values()[code];
    }
  }

  private final ByteBuffer steps;
  private final int thread;

  private KilledLives(ByteBuffer steps, int thread) {
    this.steps = steps;
    this.thread = thread;
  }

  /// One whole life, by this thread.
  static void once(PciAddress function) {
    new KilledLives(ByteBuffer.allocate(1), 0).live(function);
  }

  /// Begins when it is told to by a byte on its standard input.
  ///
  /// @param arguments the file, then the functions; the byte of the file at a function's index is
  ///   its step
  public static void main(String[] arguments) throws IOException, InterruptedException {
    List<PciAddress> functions =
        Stream.of(arguments).skip(1).map(text -> PciAddress.parse(text).orElseThrow()).toList();
    MappedByteBuffer steps;
    try (FileChannel file =
        FileChannel.open(
            Path.of(arguments[0]), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      steps = file.map(MapMode.READ_WRITE, 0, functions.size());
    }
    int _ = System.in.read();
    CountDownLatch first = new CountDownLatch(functions.size());
    for (int i = 0; i < functions.size(); i++) {
      KilledLives lives = new KilledLives(steps, i);
      PciAddress function = functions.get(i);
      Thread.ofPlatform()
          .uncaughtExceptionHandler((_, failure) -> {
            failure.printStackTrace();
            Runtime.getRuntime().halt(1);
          })
          .start(() -> {
            lives.live(function);
            first.countDown();
            while (true) {
              lives.live(function);
            }
          });
    }
    first.await();
    System.out.println(READY);
  }

  private void turnTo(Step step) {
    steps.put(thread, step.code());
  }

  private void live(PciAddress address) {
    turnTo(Step.OPEN_IOMMUFD);
    try (Arena arena = Arena.ofConfined();
        IommufdBackend iommufd = new KernelProvider().open(BackendOptions.DEFAULTS)) {
      live(iommufd, address, arena.allocate(MEMORY, 4096));
      turnTo(Step.CLOSE_IOMMUFD);
    }
    turnTo(Step.NONE);
  }

  private void live(IommufdBackend iommufd, PciAddress address, MemorySegment ram) {
    turnTo(Step.MAP_MEMORY);
    IoasId memory = iommufd.ioasAlloc();
    iommufd.mapAt(memory, 0, ram, IovaAccess.READ_WRITE);
    turnTo(Step.BIND);
    try (PassthroughFunction function =
        PassthroughFunction.open(iommufd, address, FunctionOptions.defaults())) {
      turnTo(Step.ATTACH_FUNCTION);
      function.attach(memory);
      turnTo(Step.ALLOCATE_PAGE_TABLES);
      HwptId first = function.newPageTable(memory);
      HwptId second = function.newPageTable(memory);
      Synthesis made = (Synthesis) function.synthesis();
      function.writeConfig(made.registers() + 2, 2, 1); // PASID Enable
      turnTo(Step.ATTACH_PASIDS);
      for (int pasid = 1; pasid <= PASIDS; pasid++) {
        require(
            function.attachPasid(new Pasid(pasid), first) instanceof AttachOutcome.Attached, pasid);
      }
      turnTo(Step.REPLACE_PASIDS);
      for (int pasid = 1; pasid <= PASIDS; pasid++) {
        require(
            function.attachPasid(new Pasid(pasid), second) instanceof AttachOutcome.Replaced,
            pasid);
      }
      turnTo(Step.RESET);
      function.reset();
      turnTo(Step.DETACH_PASIDS);
      for (int pasid = 1; pasid <= PASIDS / 2; pasid++) {
        require(function.detachPasid(new Pasid(pasid)) instanceof DetachOutcome.Detached, pasid);
      }
      turnTo(Step.DETACH_FUNCTION);
      function.detach();
      turnTo(Step.CLOSE_FUNCTION); // with half of the PASIDs still attached
    }
    turnTo(Step.DESTROY_MEMORY);
    iommufd.destroy(memory);
  }

  private static void require(boolean holds, int pasid) {
    if (!holds) {
      throw new IllegalStateException("PASID " + pasid + " is not as it has to be");
    }
  }
}
