package io.vpasid.vmm.iommufd.kernel;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.FaultId;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.HwInfo;
import io.vpasid.vmm.iommufd.HwInfoData;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.Invalidation;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.IovaRanges;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.Payload;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.ScriptedKernel;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What goes to the kernel, byte by byte, and what becomes of its answers; with a kernel that
/// answers as each test says. That a real one understands it, the contract shows.
class KernelIommufdTest {
  private static final PciAddress ADDRESS = new PciAddress(0, 0x6a, 1, 0);
  private static final HwptId HWPT = new HwptId(7);
  private static final Pasid PASID = new Pasid(0x12345);
  private static final long REGION = 7L << 40;
  private static final int ATTACH = 0x3b77;
  private static final int DETACH = 0x3b78;
  private static final int OLD_ATTACH = 0x3b79;
  private static final int OLD_DETACH = 0x3b7a;

  private final ScriptedKernel kernel = new ScriptedKernel();
  private Path root;
  private HostPaths paths;

  @BeforeEach
  void makeHost(@TempDir Path folder) throws IOException {
    root = folder;
    paths = HostPaths.below(folder);
    Files.createDirectories(function().resolve("vfio-dev/vfio3"));
    kernel
        .on(0x3b76, argument -> set(argument, 12, 5))
        .on(
            0x3b6c,
            argument -> {
              argument.set(JAVA_LONG, 16, 4096);
              argument.set(JAVA_LONG, 24, REGION);
              return 0;
            })
        .on(ATTACH, _ -> 0)
        .on(DETACH, _ -> 0);
  }

  private Path function() {
    return paths.function(ADDRESS);
  }

  private KernelIommufd open() {
    return new KernelIommufd(kernel, paths, Optional.empty());
  }

  private static int set(MemorySegment argument, long offset, int value) {
    argument.set(JAVA_INT, offset, value);
    return 0;
  }

  private static byte[] hex(String bytes) {
    return HexFormat.of().parseHex(bytes.replace(" ", ""));
  }

  private static String packed(String words) {
    return words.replace(" ", "");
  }

  private static IommufdException refusal(ThrowingCallable request) {
    IommufdException refusal = catchThrowableOfType(IommufdException.class, request);
    assertThat(refusal).isNotNull();
    return refusal;
  }

  private String lastArgument() {
    return kernel.asked().getLast().argument();
  }

  @Test
  void bindOpensTheDeviceOfSysfsAndHandsOverTheContext() {
    try (KernelIommufd iommufd = open();
        BoundDevice device = iommufd.bind(ADDRESS)) {
      assertThat(kernel.opened())
          .containsExactly(
              root.resolve("dev/iommu").toString(),
              root.resolve("dev/vfio/devices/vfio3").toString());
      assertThat(device.id()).isEqualTo(new DeviceId(5));
      ScriptedKernel.Asked bind = kernel.asked().getFirst();
      assertThat(bind.fd()).isEqualTo(1001);
      assertThat(bind.request()).isEqualTo(0x3b76);
      assertThat(bind.argument())
          .isEqualTo(packed("18000000 00000000 e8030000 00000000 0000000000000000"));
    }
    assertThat(kernel.open()).isEmpty();
  }

  @Test
  void functionWithoutVfioDriverIsNoDevice() throws IOException {
    Files.delete(function().resolve("vfio-dev/vfio3"));
    Files.createDirectory(function().resolve("vfio-dev/noiommu-vfio0"));

    try (KernelIommufd iommufd = open()) {
      assertThat(refusal(() -> iommufd.bind(ADDRESS)))
          .hasMessage(
              "VFIO_DEVICE_BIND_IOMMUFD (device 0000:6a:01.0, which no VFIO driver has) failed"
                  + " with ENODEV (19).");
    }
  }

  @Test
  void failedBindLeavesNoFileOpen() {
    try (KernelIommufd iommufd = open()) {
      for (int errno : new int[] {1, 16, 22}) {
        kernel.on(0x3b76, _ -> -errno);
        assertThat(refusal(() -> iommufd.bind(ADDRESS)).errno()).isEqualTo(new Errno(errno));
        assertThat(kernel.open()).containsExactly(1000);
      }
      kernel.on(0x3b76, argument -> set(argument, 12, 5)).on(0x3b6c, _ -> -5);
      assertThat(refusal(() -> iommufd.bind(ADDRESS)).errno()).isEqualTo(Errno.EIO);
      assertThat(kernel.open()).containsExactly(1000);
    }
    assertThat(kernel.open()).isEmpty();
  }

  @Test
  void bindToAClosedContextOpensNothing() {
    KernelIommufd iommufd = open();
    iommufd.close();

    assertThat(refusal(() -> iommufd.bind(ADDRESS)).errno()).isEqualTo(Errno.EBADF);
    assertThat(kernel.open()).isEmpty();
  }

  @Test
  void tokenGoesWithVirtualFunctionsOnly() throws IOException {
    UUID token = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
    byte[][] seen = new byte[1][];
    kernel.on(
        0x3b76,
        argument -> {
          seen[0] = bytesAt(argument.get(JAVA_LONG, 16));
          return 0;
        });

    try (KernelIommufd iommufd = new KernelIommufd(kernel, paths, Optional.of(token))) {
      iommufd.bind(ADDRESS).close();
      assertThat(kernel.asked().getFirst().argument().substring(8, 10)).isEqualTo("00");
      Files.createSymbolicLink(function().resolve("physfn"), root);
      iommufd.bind(ADDRESS).close();
      assertThat(kernel.asked().getFirst().argument().substring(8, 10)).isEqualTo("01");
    }
    assertThat(seen[0]).isEqualTo(hex("00112233445566778899aabbccddeeff"));
  }

  private static byte[] bytesAt(long address) {
    return address == 0 ? new byte[0] : ScriptedKernel.memory(address, 16).toArray(JAVA_BYTE);
  }

  @Test
  void mainlineGetsPageTableBeforePasid() {
    try (KernelIommufd iommufd = open();
        BoundDevice device = iommufd.bind(ADDRESS)) {
      assertThat(kernel.asked())
          .extracting(ScriptedKernel.Asked::request)
          .as("it is asked with a detach, which changes nothing")
          .containsExactly(0x3b76, DETACH, 0x3b6c);

      assertThat(device.attachPasid(PASID, HWPT)).isEqualTo(HWPT);
      assertThat(lastArgument()).isEqualTo(packed("10000000 01000000 07000000 45230100"));
      device.detachPasid(PASID);
      assertThat(lastArgument()).isEqualTo(packed("0c000000 01000000 45230100"));
    }
  }

  @Test
  void driverWithoutPasidsIsMainlineToo() {
    kernel.on(DETACH, argument -> argument.get(JAVA_INT, 4) == 0 ? 0 : -95);

    try (KernelIommufd iommufd = open();
        BoundDevice device = iommufd.bind(ADDRESS)) {
      assertThat(kernel.asked())
          .extracting(ScriptedKernel.Asked::request)
          .containsExactly(0x3b76, DETACH, 0x3b6c);
      assertThat(refusal(() -> device.detachPasid(PASID)).errno()).isEqualTo(Errno.EOPNOTSUPP);
    }
  }

  @Test
  void kernelWithThePatchesOf2024GetsPasidBeforePageTable() {
    kernel
        .on(DETACH, argument -> argument.get(JAVA_INT, 4) == 0 ? 0 : -22)
        .on(OLD_ATTACH, _ -> 0)
        .on(OLD_DETACH, _ -> 0);

    try (KernelIommufd iommufd = open();
        BoundDevice device = iommufd.bind(ADDRESS)) {
      assertThat(kernel.asked())
          .extracting(ScriptedKernel.Asked::request)
          .containsExactly(0x3b76, DETACH, OLD_DETACH, 0x3b6c);

      assertThat(device.attachPasid(PASID, HWPT)).isEqualTo(HWPT);
      assertThat(lastArgument()).isEqualTo(packed("10000000 00000000 45230100 07000000"));
      device.detachPasid(PASID);
      assertThat(lastArgument()).isEqualTo(packed("0c000000 00000000 45230100"));
      device.attach(HWPT);
      assertThat(lastArgument()).isEqualTo(packed("10000000 00000000 07000000 00000000"));
    }
  }

  /// Debian's Linux 6.12 has the width of a later one.
  @Test
  void widthThatAKernelWithoutRequestsTellsIsNotUsed() {
    kernel
        .on(DETACH, argument -> argument.get(JAVA_INT, 4) == 0 ? 0 : -22)
        .on(OLD_DETACH, _ -> -25)
        .on(0x3b8a, argument -> hwInfo(argument, 4, 16, 0, "0100000000000000 0200000000000000"));

    try (KernelIommufd iommufd = open();
        BoundDevice device = iommufd.bind(ADDRESS)) {
      assertThat(device.hwInfo()).isEqualTo(new HwInfo(0, 0, new HwInfoData.Amd(1, 2)));
      assertThat(iommufd.hwInfo(device.id()).maxPasidLog2()).isEqualTo(16);
    }
  }

  @Test
  void kernelWithoutPasidsRefusesInItsOwnWords() {
    kernel
        .on(DETACH, argument -> argument.get(JAVA_INT, 4) == 0 ? 0 : -22)
        .on(ATTACH, argument -> argument.get(JAVA_INT, 4) == 0 ? 0 : -22);

    try (KernelIommufd iommufd = open();
        BoundDevice device = iommufd.bind(ADDRESS)) {
      assertThat(refusal(() -> device.attachPasid(PASID, HWPT)))
          .hasMessage(
              "VFIO_DEVICE_ATTACH_IOMMUFD_PT (device 0000:6a:01.0, PASID 74565, HWPT 7) failed"
                  + " with EINVAL (22).");
    }
  }

  @Test
  void pageTableThatTheKernelChoseIsTold() {
    kernel.on(ATTACH, argument -> set(argument, 8, 9));

    try (KernelIommufd iommufd = open();
        BoundDevice device = iommufd.bind(ADDRESS)) {
      assertThat(device.attach(new IoasId(1))).isEqualTo(new HwptId(9));
      assertThat(device.attachPasid(PASID, HWPT)).isEqualTo(new HwptId(9));
    }
  }

  @Test
  void configurationSpaceIsReadAndWrittenAtItsRegion() {
    try (KernelIommufd iommufd = open();
        BoundDevice device = iommufd.bind(ADDRESS)) {
      assertThat(device.config().size()).isEqualTo(4096);
      kernel.asked();

      assertThat(device.config().read(0x230, 4)).isEqualTo(0x2401001b);
      assertThat(lastArgument()).isEqualTo(ScriptedKernel.hex(REGION + 0x230));
      device.config().write(0x44, 2, 0x1234);
      List<ScriptedKernel.Asked> write = kernel.asked();
      assertThat(write.get(0).argument()).isEqualTo(ScriptedKernel.hex(REGION + 0x44));
      assertThat(write.get(1).argument()).isEqualTo("3412");
    }
  }

  @Test
  void closedDeviceHasNoConfigurationSpace() {
    try (KernelIommufd iommufd = open()) {
      BoundDevice device = iommufd.bind(ADDRESS);
      device.close();

      assertThat(refusal(() -> device.config().read(0, 4)))
          .hasMessage(
              "pread (device 0000:6a:01.0, configuration space at 0x0, 4 bytes) failed with EBADF"
                  + " (9).");
    }
  }

  @Test
  void pageTableRequestCarriesEverything() {
    byte[][] data = new byte[1][];
    kernel.on(
        0x3b89,
        argument -> {
          data[0] = bytesAt(argument.get(JAVA_LONG, 32));
          argument.set(JAVA_LONG, 32, 0);
          return set(argument, 16, 11);
        });

    try (KernelIommufd iommufd = open()) {
      HwptRequest request =
          HwptRequest.nested(
                  new DeviceId(2), new HwptId(3), new HwptData.VtdS1(1, 0x1122334455667000L, 48))
              .with(HwptFlag.PASID)
              .withFaults(new FaultId(4));
      assertThat(iommufd.hwptAlloc(request)).isEqualTo(new HwptId(11));
      String argument = lastArgument();
      assertThat(argument.substring(0, 64))
          .isEqualTo(
              packed(
                  "30000000 0c000000 02000000 03000000" + " 00000000 00000000 01000000 18000000"));
      assertThat(argument.substring(80, 96)).isEqualTo(packed("0400000000000000"));
      assertThat(data[0]).isEqualTo(hex("0100000000000000 0070665544332211"));
    }
  }

  @Test
  void registersOfEachIommuAreTyped() {
    try (KernelIommufd iommufd = open()) {
      kernel.on(
          0x3b8a,
          argument ->
              hwInfo(argument, 1, 20, 4, "00000000 00000000 8877665544332211 0000008001090000"));
      HwInfo info = iommufd.hwInfo(new DeviceId(1));
      assertThat(info.maxPasidLog2()).isEqualTo(20);
      assertThat(info.capabilities()).isEqualTo(HwInfo.PASID_PRIV);
      assertThat(info.data())
          .isEqualTo(new HwInfoData.IntelVtd(0, 0x1122334455667788L, 0x0000090180000000L));

      kernel.on(
          0x3b8a, argument -> hwInfo(argument, 4, 16, 0, "0100000000000000 0200000000000000"));
      assertThat(iommufd.hwInfo(new DeviceId(1)).data()).isEqualTo(new HwInfoData.Amd(1, 2));

      kernel.on(0x3b8a, argument -> hwInfo(argument, 0xbeef, 16, 0, "010203"));
      assertThat(iommufd.hwInfo(new DeviceId(1), 0xbeef).data())
          .isEqualTo(new HwInfoData.Other(0xbeef, Payload.of(hex("010203"))));
    }
  }

  private static int hwInfo(
      MemorySegment argument, int type, int width, int capabilities, String registers) {
    byte[] bytes = hex(registers);
    ScriptedKernel.memory(argument.get(JAVA_LONG, 16), argument.get(JAVA_INT, 12))
        .copyFrom(MemorySegment.ofArray(bytes));
    argument.set(JAVA_INT, 12, bytes.length);
    argument.set(JAVA_INT, 24, type);
    argument.set(JAVA_BYTE, 28, (byte) width);
    argument.set(JAVA_LONG, 32, capabilities);
    return 0;
  }

  @Test
  void registersThatNeedMoreRoomAreAskedForAgain() {
    kernel.on(
        0x3b8a,
        argument -> {
          int room = argument.get(JAVA_INT, 12);
          if (room >= 200) {
            ScriptedKernel.memory(argument.get(JAVA_LONG, 16), room).fill((byte) 7);
          }
          argument.set(JAVA_INT, 12, 200);
          return set(argument, 24, 0x99);
        });

    try (KernelIommufd iommufd = open()) {
      byte[] sevens = new byte[200];
      Arrays.fill(sevens, (byte) 7);
      assertThat(iommufd.hwInfo(new DeviceId(1)).data())
          .isEqualTo(new HwInfoData.Other(0x99, Payload.of(sevens)));
    }
  }

  @Test
  void rangesThatNeedMoreRoomAreAskedForAgain() {
    kernel.on(
        0x3b84,
        argument -> {
          int room = argument.get(JAVA_INT, 8);
          set(argument, 8, 40);
          if (room < 40) {
            return -90;
          }
          MemorySegment ranges = ScriptedKernel.memory(argument.get(JAVA_LONG, 16), 40 * 16);
          for (int i = 0; i < 80; i++) {
            ranges.set(JAVA_LONG, i * 8L, i);
          }
          argument.set(JAVA_LONG, 24, 4096);
          return 0;
        });

    try (KernelIommufd iommufd = open()) {
      IovaRanges ranges = iommufd.iovaRanges(new IoasId(1));
      assertThat(ranges.allowed()).hasSize(40).last().isEqualTo(new IovaRanges.Range(78, 79));
      assertThat(ranges.alignment()).isEqualTo(4096);
    }
  }

  @Test
  void failedInvalidationTellsHowManyEntriesWereHandled() {
    kernel.on(
        0x3b8d,
        argument -> {
          set(argument, 24, 1);
          return -22;
        });

    try (KernelIommufd iommufd = open()) {
      IommufdException refusal =
          refusal(() ->
              iommufd.invalidate(
                  HWPT,
                  new Invalidation.VtdS1(
                      List.of(
                          Invalidation.VtdS1.Entry.ALL, new Invalidation.VtdS1.Entry(3, 1, 0)))));
      assertThat(refusal.completed()).isEqualTo(1);
    }
  }

  @Test
  void entriesThatAreNotThereAreRefusedBeforeTheKernelReadsThem() {
    try (KernelIommufd iommufd = open()) {
      kernel.asked();
      assertThat(
              refusal(() ->
                      iommufd.invalidate(
                          HWPT, new Invalidation.Other(0, 4096, 1 << 19, Payload.of(new byte[8]))))
                  .errno())
          .isEqualTo(Errno.EINVAL);
      assertThat(kernel.asked()).isEmpty();
    }
  }

  @Test
  void memoryOnTheHeapIsNotMapped() {
    try (KernelIommufd iommufd = open()) {
      assertThat(
              catchThrowableOfType(
                  IllegalArgumentException.class,
                  () ->
                      iommufd.map(
                          new IoasId(1),
                          MemorySegment.ofArray(new byte[4096]),
                          IovaAccess.READ_WRITE)))
          .hasMessageContaining("heap");
    }
  }

  @Test
  void mappingCarriesAddressLengthAndAccess() {
    kernel.on(
        0x3b85,
        argument -> {
          argument.set(JAVA_LONG, 32, 0x10000);
          return 0;
        });

    try (KernelIommufd iommufd = open();
        Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(8192, 4096);
      assertThat(iommufd.map(new IoasId(3), memory, IovaAccess.READ_ONLY)).isEqualTo(0x10000);
      String argument = lastArgument();
      assertThat(argument.substring(0, 32))
          .isEqualTo(packed("28000000 04000000 03000000 00000000"));
      assertThat(argument.substring(32, 48)).isEqualTo(ScriptedKernel.hex(memory.address()));
      assertThat(argument.substring(48, 64)).isEqualTo(ScriptedKernel.hex(8192));
    }
  }

  @Test
  void closingAFaultQueueEndsAWait() throws Exception {
    kernel.on(
        0x3b8e,
        argument -> {
          set(argument, 8, 6);
          return set(argument, 12, kernel.event());
        });

    try (KernelIommufd iommufd = open()) {
      FaultQueue queue = iommufd.faultQueueAlloc();
      boolean[] came = {true};
      Thread waiter = Thread.ofPlatform().start(() -> came[0] = queue.await(Duration.ofMinutes(5)));
      queue.close();
      waiter.join(Duration.ofSeconds(20));

      assertThat(waiter.isAlive()).isFalse();
      assertThat(came[0]).isFalse();
      assertThat(kernel.open()).containsExactly(1000);
      assertThat(refusal(() -> queue.read(1)).errno()).isEqualTo(Errno.EBADF);
      assertThat(queue.await(Duration.ofMinutes(5))).isFalse();
    }
  }

  @Test
  void refusedFaultQueueLeavesNoFileOpen() {
    kernel.on(0x3b8e, _ -> -24);

    try (KernelIommufd iommufd = open()) {
      assertThat(refusal(iommufd::faultQueueAlloc).errno()).isEqualTo(Errno.EMFILE);
      assertThat(kernel.open()).containsExactly(1000);
    }
  }
}
