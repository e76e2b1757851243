package io.vpasid.it.endurance;

import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.host.EmulatedHardware;
import io.vpasid.it.load.ServedFunctions;
import io.vpasid.pci.PciAddress;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.Synthesis;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.pasid.AttachOutcome;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/// A VMM that embeds vpasid: it opens a function on one iommufd context that stays open, lets a
/// guest do with it what guests do, closes it, and begins again, until its standard input ends.
/// Beside it a thread reads the registers of another function. For each line that it reads it says
/// how many lives there were, and what a read took.
final class EmbeddingProgram {
  private static final PciAddress BUSY = new PciAddress(0, 0, 1, 0);
  private static final PciAddress QUIET = new PciAddress(0, 0, 2, 0);
  private static final int PASIDS = 64;
  private static final int SCRIBBLES = 200;

  private EmbeddingProgram() {}

  static void main() throws IOException {
    FunctionDescription described = FunctionDescription.of(ServedFunctions.demoFunction());
    SimulatedHost.Builder host = SimulatedHost.builder();
    for (PciAddress address : new PciAddress[] {BUSY, QUIET}) {
      host.device(
          EmulatedHardware.of(described.movedTo(address), false)
              .device(HardwareInfo.parse("width=20,priv")));
    }
    AtomicLong lives = new AtomicLong();
    Latency latency = new Latency();
    try (IommufdBackend iommufd = host.build().open()) {
      start("lives", () -> live(iommufd, lives));
      start("neighbour", () -> read(iommufd, latency));
      BufferedReader asked =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      System.out.println("ready");
      while (asked.readLine() != null) {
        Latency.Measured measured = latency.take();
        System.out.println(lives + " " + measured.median() + " " + measured.hundredth());
      }
    } finally {
      Runtime.getRuntime().halt(0); // the threads have no end
    }
  }

  /// A thread that ends the process when it fails.
  private static void start(String name, Runnable work) {
    Thread.ofPlatform()
        .name(name)
        .daemon()
        .uncaughtExceptionHandler((_, failure) -> {
          failure.printStackTrace();
          Runtime.getRuntime().halt(1);
        })
        .start(work);
  }

  private static void read(IommufdBackend iommufd, Latency latency) {
    try (PassthroughFunction function =
        PassthroughFunction.open(iommufd, QUIET, FunctionOptions.defaults())) {
      int first = function.readConfig(0, 4);
      while (true) {
        long start = System.nanoTime();
        int id = function.readConfig(0, 4);
        latency.add(System.nanoTime() - start);
        require(id == first, "the neighbour reads its id");
        LockSupport.parkNanos(1_000_000);
      }
    }
  }

  private static void live(IommufdBackend iommufd, AtomicLong lives) {
    for (long life = 0; ; life++) {
      live(iommufd, new Random(life));
      lives.incrementAndGet();
      LockSupport.parkNanos(2_000_000);
    }
  }

  /// From opening a function to giving it back, whatever its guest did.
  private static void live(IommufdBackend iommufd, Random random) {
    IoasId memory = iommufd.ioasAlloc();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment ram = arena.allocate(1 << 20, 4096);
      iommufd.mapAt(memory, 0, ram, IovaAccess.READ_WRITE);
      try (PassthroughFunction function =
          PassthroughFunction.open(iommufd, BUSY, FunctionOptions.defaults())) {
        function.attach(memory);
        Synthesis made = (Synthesis) function.synthesis();
        HwptId first = function.newPageTable(memory);
        HwptId second = function.newPageTable(memory);
        function.writeConfig(made.registers() + 2, 2, 1); // PASID Enable
        for (int pasid = 1; pasid <= PASIDS; pasid++) {
          require(
              function.attachPasid(new Pasid(pasid), first) instanceof AttachOutcome.Attached,
              "a PASID is attached");
        }
        for (int pasid = 1; pasid <= PASIDS; pasid += 2) {
          function.attachPasid(new Pasid(pasid), second);
        }
        for (int pasid = 1; pasid <= PASIDS / 2; pasid++) {
          function.detachPasid(new Pasid(pasid));
        }
        function.attachPasid(new Pasid(1 << 20), first); // beyond its width
        for (int i = 0; i < SCRIBBLES; i++) {
          function.writeConfig(random.nextInt(4096) & ~3, 4, random.nextInt());
        }
        if (random.nextBoolean()) {
          function.reset();
        }
        require(function.attachments().count() == PASIDS / 2, "half of the PASIDS stay attached");
      }
      iommufd.destroy(memory);
    }
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new UncheckedIOException(new IOException("It does not hold that " + what + "."));
    }
  }
}
