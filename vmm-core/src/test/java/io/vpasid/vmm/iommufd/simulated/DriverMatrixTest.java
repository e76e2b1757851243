package io.vpasid.vmm.iommufd.simulated;

import static io.vpasid.vmm.iommufd.simulated.Refusals.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vpasid.pci.PciAddress;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.HwInfoData;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.Invalidation;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.Payload;
import io.vpasid.vmm.iommufd.ViommuId;
import io.vpasid.vmm.linux.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Where the drivers of Linux 7.3 differ.
class DriverMatrixTest {
  private static final PciAddress AT = new PciAddress(0, 0x6a, 1, 0);
  private static final Pasid P100 = new Pasid(100);

  /// One function behind one IOMMU, bound.
  private static final class Bench {
    final SimulatedHost host;
    final SimulatedIommufd iommufd;
    final BoundDevice device;
    final IoasId ioas;

    Bench(IommuProfile iommu, SimulatedDevice function) {
      host = SimulatedHost.builder().iommu(iommu).device(function).build();
      iommufd = host.open();
      device = iommufd.bind(AT);
      ioas = iommufd.ioasAlloc();
    }

    Bench(IommuProfile iommu) {
      this(iommu, SimulatedDevice.at(AT).pasidWidth(20).exec(true).priv(true));
    }

    HwptId paging(HwptFlag... flags) {
      HwptRequest request = HwptRequest.paging(device.id(), ioas);
      for (HwptFlag flag : flags) {
        request = request.with(flag);
      }
      return iommufd.hwptAlloc(request);
    }

    HwptId nested(HwptData data) {
      HwptId parent = paging(HwptFlag.NEST_PARENT);
      return iommufd.hwptAlloc(HwptRequest.nested(device.id(), parent, data).with(HwptFlag.PASID));
    }

    HwptId faulting() {
      FaultQueue queue = iommufd.faultQueueAlloc();
      return iommufd.hwptAlloc(
          HwptRequest.paging(device.id(), ioas).with(HwptFlag.PASID).withFaults(queue.id()));
    }
  }

  @Nested
  class Intel {
    private final Bench bench = new Bench(IommuProfile.intel());

    @Test
    void everyCombinationOfFlagsIsTaken() {
      assertThat(bench.paging(HwptFlag.PASID)).isNotNull();
      assertThat(bench.paging(HwptFlag.PASID, HwptFlag.NEST_PARENT)).isNotNull();
      assertThat(bench.paging(HwptFlag.PASID, HwptFlag.DIRTY_TRACKING)).isNotNull();
    }

    @Test
    void nestParentWithoutNestingIsNotSupported() {
      Bench flat = new Bench(IommuProfile.intel().withNesting(false));

      refused(Errno.EOPNOTSUPP, () -> flat.paging(HwptFlag.NEST_PARENT));
    }

    @Test
    void permissionsAreReported() {
      assertThat(bench.device.hwInfo().hardwareInfo())
          .isEqualTo(new HardwareInfo(20, true, true, true));
      assertThat(bench.device.hwInfo().data()).isInstanceOf(HwInfoData.IntelVtd.class);
    }

    @Test
    void widthIsTheSmallerOfCapabilityAndIommu() {
      Bench narrow = new Bench(IommuProfile.intel(), SimulatedDevice.at(AT).pasidWidth(16));
      Bench wide = new Bench(IommuProfile.intel(), SimulatedDevice.at(AT).pasidWidth(24));

      assertThat(narrow.device.hwInfo().maxPasidLog2()).isEqualTo(16);
      assertThat(wide.device.hwInfo().maxPasidLog2()).isEqualTo(20);
    }

    @Test
    void legacyModeMakesPageTablesForPasidsButAttachesNothing() {
      Bench legacy = new Bench(IommuProfile.intelLegacy());
      HwptId hwpt = legacy.paging(HwptFlag.PASID);

      assertThat(legacy.device.hwInfo().maxPasidLog2()).isZero();
      legacy.device.attachPasid(P100, hwpt);
      assertThat(legacy.host.attachment(AT, P100)).contains(hwpt);
      assertThat(legacy.host.translates(AT, P100)).isFalse();
    }

    @Test
    void guestTableWithABadWidthIsMadeButNotAttached() {
      HwptId bad = bench.nested(new HwptData.VtdS1(0, 0x1000, 39));

      refused(Errno.EINVAL, () -> bench.device.attachPasid(P100, bad));
      assertThat(bench.host.nothingAttached(AT)).isTrue();
    }

    @Test
    void guestTableOfFiveLevelsNeedsThem() {
      HwptData fiveLevels = new HwptData.VtdS1(0, 0x1000, 57);
      Bench wide = new Bench(IommuProfile.intelFiveLevels());
      HwptId here = bench.nested(fiveLevels);
      HwptId there = wide.nested(fiveLevels);

      refused(Errno.EINVAL, () -> bench.device.attachPasid(P100, here));
      assertThat(wide.device.attachPasid(P100, there)).isEqualTo(there);
    }

    @Test
    void guestTableFlagsNeedTheirCapability() {
      IommuProfile plain =
          IommuProfile.intel()
              .withRegisters(
                  new HwInfoData.IntelVtd(
                      1, 0, 1L << 26 | 1L << 40 | 1L << 43 | 19L << 35 | 1L << 46 | 1L << 47));
      Bench without = new Bench(plain);
      HwptId supervisor = without.nested(new HwptData.VtdS1(HwptData.VtdS1.SRE, 0, 48));
      HwptId accessed = without.nested(new HwptData.VtdS1(HwptData.VtdS1.EAFE, 0, 48));

      refused(Errno.EINVAL, () -> without.device.attachPasid(P100, supervisor));
      refused(Errno.EINVAL, () -> without.device.attachPasid(P100, accessed));
      HwptId same = bench.nested(new HwptData.VtdS1(3, 0, 48));
      assertThat(bench.device.attachPasid(P100, same)).isEqualTo(same);
    }

    @Test
    void replaceThatFailsLateLeavesTheHardwareEmptyThoughTheOldPageTableIsKept() {
      HwptId good = bench.paging(HwptFlag.PASID);
      HwptId bad = bench.nested(new HwptData.VtdS1(0, 0x1000, 39));
      bench.device.attachPasid(P100, good);
      assertThat(bench.host.translates(AT, P100)).isTrue();

      refused(Errno.EINVAL, () -> bench.device.attachPasid(P100, bad));
      assertThat(bench.host.attachment(AT, P100)).contains(good);
      assertThat(bench.host.translates(AT, P100)).isFalse();
      bench.device.attachPasid(P100, bench.paging(HwptFlag.PASID));
      assertThat(bench.host.translates(AT, P100)).isTrue();
    }

    @Test
    void pageTableWithFaultsNeedsPageRequests() {
      Bench without =
          new Bench(
              IommuProfile.intel(), SimulatedDevice.at(AT).pasidWidth(20).pageRequests(false));
      HwptId faulting = without.faulting();

      refused(Errno.ENODEV, () -> without.device.attach(faulting));
      refused(Errno.ENODEV, () -> without.device.attachPasid(P100, faulting));
      assertThat(without.host.nothingAttached(AT)).isTrue();
    }

    @Test
    void invalidationCountsEntriesUntilTheFirstBadOne() {
      HwptId nested = bench.nested(new HwptData.VtdS1(0, 0x1000, 48));
      Invalidation.VtdS1.Entry good = new Invalidation.VtdS1.Entry(0x1000, 1, 1);
      Invalidation.VtdS1.Entry unaligned = new Invalidation.VtdS1.Entry(0x1001, 1, 0);
      Invalidation.VtdS1.Entry allElsewhere = new Invalidation.VtdS1.Entry(0x1000, -1, 0);
      Invalidation.VtdS1.Entry unknownFlag = new Invalidation.VtdS1.Entry(0, 1, 2);
      Invalidation.VtdS1.Entry all = Invalidation.VtdS1.Entry.ALL;

      assertThat(invalidate(nested, good, all, good)).isEqualTo(3);
      assertThat(invalidate(nested)).isZero();
      assertPartly(2, Errno.EINVAL, nested, good, good, unaligned, good);
      assertPartly(1, Errno.EINVAL, nested, good, allElsewhere);
      assertPartly(0, Errno.EOPNOTSUPP, nested, unknownFlag, good);
    }

    @Test
    void rawInvalidationEntriesHave24Bytes() {
      HwptId nested = bench.nested(new HwptData.VtdS1(0, 0x1000, 48));
      Payload two = Payload.of(new byte[48]);
      Payload reserved = Payload.of(withLastByte());

      assertThat(bench.iommufd.invalidate(nested, new Invalidation.Other(0, 24, 2, two)))
          .isEqualTo(2);
      refused(
          Errno.EINVAL,
          () -> bench.iommufd.invalidate(nested, new Invalidation.Other(0, 16, 2, two)));
      refused(
          Errno.EOPNOTSUPP,
          () -> bench.iommufd.invalidate(nested, new Invalidation.Other(0, 24, 1, reserved)));
    }

    @Test
    void nothingIsInvalidatedByNoEntriesOfAnyLength() {
      HwptId nested = bench.nested(new HwptData.VtdS1(0, 0x1000, 48));
      Payload none = Payload.of(new byte[0]);

      assertThat(bench.iommufd.invalidate(nested, new Invalidation.Other(0, 16, 0, none))).isZero();
      refused(
          Errno.EINVAL,
          () -> bench.iommufd.invalidate(nested, new Invalidation.Other(1, 24, 0, none)));
      refused(
          Errno.EINVAL,
          () -> bench.iommufd.invalidate(nested, new Invalidation.ArmSmmuV3(List.of())));
      refused(Errno.EINVAL, () -> invalidate(bench.paging()));
    }

    @Test
    void rawGuestTableHas24Bytes() {
      HwptData good = new HwptData.Other(1, Payload.of(rawTable(48)));
      HwptData narrow = new HwptData.Other(1, Payload.of(rawTable(39)));

      refused(Errno.EINVAL, () -> bench.nested(new HwptData.Other(1, Payload.of(new byte[23]))));
      refused(Errno.EINVAL, () -> bench.nested(new HwptData.Other(1, Payload.of(new byte[25]))));
      refused(
          Errno.EOPNOTSUPP, () -> bench.nested(new HwptData.Other(2, Payload.of(new byte[24]))));
      HwptId attached = bench.nested(good);
      assertThat(bench.device.attachPasid(P100, attached)).isEqualTo(attached);
      refused(Errno.EINVAL, () -> bench.device.attachPasid(P100, bench.nested(narrow)));
    }

    private byte[] rawTable(int addressWidth) {
      byte[] table = new byte[24];
      table[16] = (byte) addressWidth;
      return table;
    }

    @Test
    void plainGuestTableNeedsNoCapabilityForFlags() {
      Bench without =
          new Bench(
              IommuProfile.intel()
                  .withRegisters(
                      new HwInfoData.IntelVtd(
                          1, 0, 1L << 26 | 1L << 40 | 1L << 43 | 19L << 35 | 1L << 46 | 1L << 47)));
      HwptId plain = without.nested(new HwptData.VtdS1(0, 0, 48));

      assertThat(without.device.attachPasid(P100, plain)).isEqualTo(plain);
    }

    @Test
    void legacyModeAttachesTheFunctionItself() {
      Bench legacy = new Bench(IommuProfile.intelLegacy());
      HwptId hwpt = legacy.paging();

      assertThat(legacy.device.attach(hwpt)).isEqualTo(hwpt);
      refused(Errno.EOPNOTSUPP, () -> legacy.paging(HwptFlag.NEST_PARENT));
    }

    private byte[] withLastByte() {
      byte[] entry = new byte[24];
      entry[23] = 1;
      return entry;
    }

    private int invalidate(HwptId nested, Invalidation.VtdS1.Entry... entries) {
      return bench.iommufd.invalidate(nested, new Invalidation.VtdS1(List.of(entries)));
    }

    private void assertPartly(
        int completed, Errno errno, HwptId nested, Invalidation.VtdS1.Entry... entries) {
      IommufdException refusal =
          catchThrowableOfType(IommufdException.class, () -> invalidate(nested, entries));
      assertThat(refusal.errno()).isEqualTo(errno);
      assertThat(refusal.completed()).isEqualTo(completed);
    }
  }

  @Nested
  class Arm {
    private final Bench bench = new Bench(IommuProfile.arm());

    private ViommuId viommu() {
      return bench.iommufd.viommuAlloc(bench.device.id(), bench.paging(HwptFlag.NEST_PARENT), 1);
    }

    private HwptId guestTable() {
      return bench.iommufd.hwptAlloc(
          HwptRequest.nested(bench.device.id(), viommu(), new HwptData.ArmSmmuV3(1, 0))
              .with(HwptFlag.PASID));
    }

    @Test
    void pasidGoesAloneOrWithDirtyTracking() {
      assertThat(bench.paging(HwptFlag.PASID)).isNotNull();
      assertThat(bench.paging(HwptFlag.PASID, HwptFlag.DIRTY_TRACKING)).isNotNull();
      refused(Errno.EOPNOTSUPP, () -> bench.paging(HwptFlag.PASID, HwptFlag.NEST_PARENT));
    }

    @Test
    void pagingPageTableTakesAPasid() {
      HwptId hwpt = bench.paging(HwptFlag.PASID);
      bench.device.attach(hwpt);

      assertThat(bench.device.attachPasid(P100, hwpt)).isEqualTo(hwpt);
      assertThat(bench.device.hwInfo().hardwareInfo())
          .isEqualTo(new HardwareInfo(20, true, true, true));
    }

    @Test
    void nothingNestsWithoutAVirtualIommu() {
      HwptId parent = bench.paging(HwptFlag.NEST_PARENT);

      refused(
          Errno.EOPNOTSUPP,
          () ->
              bench.iommufd.hwptAlloc(
                  HwptRequest.nested(bench.device.id(), parent, new HwptData.ArmSmmuV3(1, 0))));
    }

    @Test
    void guestTableTakesNoPasidBecauseTheGuestOwnsThem() {
      HwptId guestTable = guestTable();

      refused(Errno.EOPNOTSUPP, () -> bench.device.attachPasid(P100, guestTable));
    }

    @Test
    void pasidIsRefusedWhileTheFunctionIsOnAGuestTable() {
      HwptId paging = bench.paging(HwptFlag.PASID);
      bench.device.attach(guestTable());

      refused(Errno.EINVAL, () -> bench.device.attachPasid(P100, paging));
    }

    @Test
    void dataOfAnotherVendorIsNotSupported() {
      ViommuId viommu = viommu();

      refused(
          Errno.EOPNOTSUPP,
          () ->
              bench.iommufd.hwptAlloc(
                  HwptRequest.nested(bench.device.id(), viommu, new HwptData.VtdS1(0, 0, 48))));
    }

    @Test
    void viommuTakesInvalidations() {
      Invalidation.ArmSmmuV3.Command command = new Invalidation.ArmSmmuV3.Command(0x11, 0);

      assertThat(
              bench.iommufd.invalidate(
                  viommu(), new Invalidation.ArmSmmuV3(List.of(command, command))))
          .isEqualTo(2);
    }

    @Test
    void rawCommandsHave16Bytes() {
      ViommuId viommu = viommu();
      Payload two = Payload.of(new byte[32]);

      assertThat(bench.iommufd.invalidate(viommu, new Invalidation.Other(1, 16, 2, two)))
          .isEqualTo(2);
      assertThat(bench.iommufd.invalidate(viommu, new Invalidation.Other(1, 8, 0, two))).isZero();
      refused(
          Errno.EINVAL,
          () -> bench.iommufd.invalidate(viommu, new Invalidation.Other(1, 8, 2, two)));
      refused(
          Errno.EINVAL,
          () -> bench.iommufd.invalidate(viommu, new Invalidation.Other(0, 16, 2, two)));
      refused(
          Errno.EINVAL, () -> bench.iommufd.invalidate(viommu, new Invalidation.VtdS1(List.of())));
    }

    @ParameterizedTest
    @ValueSource(ints = {15, 17})
    void guestTableHas16Bytes(int size) {
      HwptData wrong = new HwptData.Other(2, Payload.of(new byte[size]));
      ViommuId viommu = viommu();

      refused(
          Errno.EINVAL,
          () -> bench.iommufd.hwptAlloc(HwptRequest.nested(bench.device.id(), viommu, wrong)));
    }
  }

  @Nested
  class Amd {
    private final Bench bench = new Bench(IommuProfile.amd());

    @Test
    void pasidGoesAlone() {
      assertThat(bench.paging(HwptFlag.PASID)).isNotNull();
      refused(Errno.EOPNOTSUPP, () -> bench.paging(HwptFlag.PASID, HwptFlag.DIRTY_TRACKING));
      refused(Errno.EOPNOTSUPP, () -> bench.paging(HwptFlag.PASID, HwptFlag.NEST_PARENT));
    }

    @Test
    void noPageTableTakesAPasid() {
      HwptId hwpt = bench.paging(HwptFlag.PASID);

      refused(Errno.EOPNOTSUPP, () -> bench.device.attachPasid(P100, hwpt));
    }

    @Test
    void widthIsReportedOneBitShortAndPermissionsNotAtAll() {
      assertThat(bench.device.hwInfo().hardwareInfo())
          .isEqualTo(new HardwareInfo(15, false, false, true));
    }
  }

  @Nested
  class NoIommu {
    private final Bench bench = new Bench(IommuProfile.none());

    @Test
    void flagsAreNotSupported() {
      refused(Errno.EOPNOTSUPP, () -> bench.paging(HwptFlag.PASID));
      refused(Errno.EOPNOTSUPP, () -> bench.device.hwInfo());
    }

    @Test
    void pasidIsRefused() {
      HwptId hwpt = bench.paging();

      refused(Errno.EINVAL, () -> bench.device.attachPasid(P100, hwpt));
    }
  }

  @Nested
  class Mock {
    private final Bench bench = new Bench(IommuProfile.mock());

    private HwptData data(int size) {
      return new HwptData.Other(0xdead, Payload.of(new byte[size]));
    }

    private int invalidate(HwptId nested, int... numbers) {
      ByteBuffer bytes = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.nativeOrder());
      for (int number : numbers) {
        bytes.putInt(number);
      }
      return bench.iommufd.invalidate(
          nested,
          new Invalidation.Other(0xdeadbeef, 8, numbers.length / 2, Payload.of(bytes.array())));
    }

    @Test
    void everyCombinationOfFlagsIsTaken() {
      assertThat(bench.paging(HwptFlag.PASID, HwptFlag.NEST_PARENT)).isNotNull();
      assertThat(bench.paging(HwptFlag.NEST_PARENT, HwptFlag.DIRTY_TRACKING)).isNotNull();
    }

    @Test
    void guestTableHasFourToEightBytes() {
      refused(Errno.EINVAL, () -> bench.nested(data(3)));
      refused(Errno.EINVAL, () -> bench.nested(data(9)));
      assertThat(bench.nested(data(4))).isNotNull();
      assertThat(bench.nested(data(8))).isNotNull();
      refused(
          Errno.EOPNOTSUPP,
          () -> bench.nested(new HwptData.Other(0xdeae, Payload.of(new byte[8]))));
    }

    @Test
    void invalidationHasAFlagAndOneOfFourBuffers() {
      HwptId nested = bench.nested(data(8));

      assertThat(invalidate(nested, 1, 0, 0, 3)).isEqualTo(2);
      assertThat(invalidate(nested)).isZero();
      refused(Errno.EINVAL, () -> invalidate(nested, 0, 4));
      refused(Errno.EINVAL, () -> invalidate(nested, 0, -1));
      refused(Errno.EOPNOTSUPP, () -> invalidate(nested, 2, 0));
      refused(
          Errno.EINVAL,
          () ->
              bench.iommufd.invalidate(
                  nested, new Invalidation.Other(0xdeadbeef, 4, 1, Payload.of(new byte[4]))));
      refused(
          Errno.EINVAL, () -> bench.iommufd.invalidate(nested, new Invalidation.VtdS1(List.of())));
    }

    @Test
    void replacingPasid1024Fails() {
      HwptId first = bench.paging(HwptFlag.PASID);
      HwptId second = bench.paging(HwptFlag.PASID);
      bench.device.attachPasid(new Pasid(1024), first);
      bench.device.attachPasid(new Pasid(1025), first);

      refused(Errno.ENOMEM, () -> bench.device.attachPasid(new Pasid(1024), second));
      assertThat(bench.device.attachPasid(new Pasid(1025), second)).isEqualTo(second);
      assertThat(bench.host.translates(AT, new Pasid(1024))).isTrue();
    }

    @Test
    void permissionsAreNotShown() {
      assertThat(bench.device.hwInfo().hardwareInfo())
          .isEqualTo(new HardwareInfo(20, false, false, true));
    }

    @Test
    void virtualIommuNestsToo() {
      HwptId parent = bench.paging(HwptFlag.NEST_PARENT);
      ViommuId viommu = bench.iommufd.viommuAlloc(bench.device.id(), parent, 0xdeadbeef);

      refused(Errno.EOPNOTSUPP, () -> bench.iommufd.viommuAlloc(bench.device.id(), parent, 1));
      assertThat(bench.iommufd.hwptAlloc(HwptRequest.nested(bench.device.id(), viommu, data(8))))
          .isNotNull();
      refused(
          Errno.EINVAL,
          () -> bench.iommufd.hwptAlloc(HwptRequest.nested(bench.device.id(), viommu, data(9))));
    }
  }

  @Test
  void machinesHaveIommusByName() {
    assertThat(IommuProfile.names())
        .containsExactly("intel", "intel-legacy", "arm", "amd", "none")
        .allSatisfy(name ->
            assertThat(IommuProfile.named(name).flatMap(IommuProfile::name)).contains(name));
    assertThat(IommuProfile.named("vax")).isEmpty();
    assertThat(IommuProfile.mock().name()).isEmpty();
    assertThat(IommuProfile.intel().withPageRequests(false).pageRequests()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"intel", "arm", "amd"})
  void dirtyTrackingNeedsDeviceAndIommu(String iommu) {
    Bench with = new Bench(IommuProfile.named(iommu).orElseThrow());
    Bench without =
        new Bench(
            IommuProfile.named(iommu).orElseThrow(),
            SimulatedDevice.at(AT).pasidWidth(20).withoutDirtyTracking());

    assertThat(with.paging(HwptFlag.DIRTY_TRACKING)).isNotNull();
    refused(Errno.EOPNOTSUPP, () -> without.paging(HwptFlag.DIRTY_TRACKING));
  }

  @Test
  void pageTableThatTracksDirtyPagesIsForDevicesThatDo() {
    PciAddress elsewhere = new PciAddress(1, 0, 0, 0);
    Bench bench = new Bench(IommuProfile.intel());
    bench.host.add(SimulatedDevice.at(elsewhere).pasidWidth(20).withoutDirtyTracking());
    BoundDevice other = bench.iommufd.bind(elsewhere);
    HwptId hwpt = bench.paging(HwptFlag.DIRTY_TRACKING);

    refused(Errno.EINVAL, () -> other.attach(hwpt));
    assertThat(bench.device.attach(hwpt)).isEqualTo(hwpt);
  }

  @Test
  void pageTableOfAnotherVendorIsRefused() {
    PciAddress elsewhere = new PciAddress(1, 0, 0, 0);
    SimulatedHost host =
        SimulatedHost.builder()
            .device(SimulatedDevice.at(AT).pasidWidth(20))
            .device(SimulatedDevice.at(elsewhere).pasidWidth(20).behind(IommuProfile.arm()))
            .build();
    SimulatedIommufd iommufd = host.open();
    BoundDevice intel = iommufd.bind(AT);
    BoundDevice arm = iommufd.bind(elsewhere);
    HwptId hwpt =
        iommufd.hwptAlloc(HwptRequest.paging(intel.id(), iommufd.ioasAlloc()).with(HwptFlag.PASID));

    refused(Errno.EINVAL, () -> arm.attach(hwpt));
    refused(Errno.EINVAL, () -> arm.attachPasid(P100, hwpt));
  }

  @Test
  void mockDeviceAnswersFaultsOfGuestPasidsThroughItsNestedPageTable() {
    Bench bench = new Bench(IommuProfile.mock());
    FaultQueue faults = bench.iommufd.faultQueueAlloc();
    HwptId parent = bench.paging(HwptFlag.NEST_PARENT);
    HwptId nested =
        bench.iommufd.hwptAlloc(
            HwptRequest.nested(
                    bench.device.id(), parent, new HwptData.Other(0xdead, Payload.of(new byte[8])))
                .withFaults(faults.id()));
    bench.device.attach(nested);

    bench.host.request(AT, new PageRequest(P100, 1, true, 1, 0x1000));
    assertThat(faults.read(8)).extracting(f -> f.pasid()).containsExactly(P100);
  }
}
