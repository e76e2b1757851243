package io.vpasid.vmm.frontend.vtd;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.synth.Synthesis;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.MappedGuestMemory;
import io.vpasid.vmm.frontend.nested.Bounds;
import io.vpasid.vmm.frontend.nested.GuestPageTables;
import io.vpasid.vmm.frontend.nested.HostMemory;
import io.vpasid.vmm.frontend.nested.NestedFormat;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.PageFault;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.IommuProfile;
import io.vpasid.vmm.iommufd.simulated.PageAnswer;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.iommufd.simulated.SimulatedIommufd;
import io.vpasid.vmm.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The whole front end: a guest's driver, the unit, the host's page tables, and the simulated
/// hardware, which has exactly what the guest's tables say.
class VtdFrontEndTest {
  private static final PciAddress ADDRESS = new PciAddress(0, 0, 4, 0);

  private final Arena arena = Arena.ofShared();
  private final MemorySegment segment = arena.allocate(Guest.MEMORY, 4096);
  private final SimulatedHost host =
      SimulatedHost.builder()
          .iommu(IommuProfile.intel())
          .anyDevice(
              SimulatedDevice.at(ADDRESS).pasidWidth(20).config(DeviceConfig.readOnly(endpoint())))
          .build();
  private final SimulatedIommufd iommufd = host.open();
  private final PassthroughFunction function =
      PassthroughFunction.open(iommufd, ADDRESS, FunctionOptions.defaults());

  /// A PCI Express endpoint with nothing but that.
  private static ConfigSpace endpoint() {
    ByteBuffer bytes =
        ByteBuffer.allocate(ConfigSpace.EXTENDED_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(0x00, 0x0001f00d).putInt(0x04, 0x00100006).putInt(0x08, 0x02000000);
    bytes.put(0x34, (byte) 0x40);
    bytes.putInt(0x40, 0x00020010);
    bytes.putInt(0x100, 0x00020001);
    return ConfigSpace.of(bytes.array());
  }

  private GuestPageTables tables(TranslationMode.Kind kind) {
    MappedGuestMemory.Range range = new MappedGuestMemory.Range(0, segment);
    IoasId ioas = iommufd.ioasAlloc();
    iommufd.mapAt(ioas, 0, segment, IovaAccess.READ_WRITE);
    GuestPageTables tables =
        new GuestPageTables(
            iommufd,
            new GuestPageTables.Memory(
                MappedGuestMemory.of(range), HostMemory.of(List.of(range)), ioas),
            kind,
            NestedFormat.VTD,
            Bounds.DEFAULT);
    tables.cover(Guest.FUNCTION, function);
    return tables;
  }

  private Guest guest(VtdCapabilities capabilities, GuestPageTables tables) {
    function.writeConfig(((Synthesis) function.synthesis()).registers() + 2, 2, 1);
    Guest guest =
        new Guest(
            capabilities, MappedGuestMemory.of(new MappedGuestMemory.Range(0, segment)), tables);
    tables.reportTo(guest.unit);
    guest.unit.cover(Guest.FUNCTION).join();
    return guest;
  }

  private static VtdCapabilities nested() {
    return VtdCapabilities.nested(-1, -1, 20, false);
  }

  private HwptData dataOf(int pasid) {
    return host.attachment(ADDRESS, new Pasid(pasid))
        .flatMap(iommufd::pageTable)
        .orElseThrow()
        .data();
  }

  @AfterEach
  void nothingIsLeft() {
    assertThat(host.attachedPasidCount(ADDRESS)).isZero();
    function.close();
    iommufd.close();
    arena.close();
  }

  @Test
  void firstStagesAreNestedInHardware() {
    GuestPageTables tables = tables(TranslationMode.Kind.NESTED);
    Guest guest = guest(nested(), tables);
    guest.enable(1);
    guest.context(8);
    assertThat(host.attachment(ADDRESS)).as("no entry yet: blocked").isEmpty();
    guest.entry(0, Guest.firstStage(2, 0x7000));
    guest.entry(7, Guest.firstStage(3, 0x8000));
    guest.put(7 | 3 << 4, 0);
    guest.await(1);
    assertThat(guest.status()).isEqualTo(1);
    assertThat(dataOf(0)).isEqualTo(new HwptData.VtdS1(0, 0x7000, 48));
    assertThat(dataOf(7)).isEqualTo(new HwptData.VtdS1(0, 0x8000, 48));

    guest.entry(7, Guest.firstStage(4, 0x9000));
    guest.invalidatePasidCache(7);
    assertThat(dataOf(7)).isEqualTo(new HwptData.VtdS1(0, 0x9000, 48));
    guest.entry(7, 0, 0, 0);
    guest.invalidatePasidCache(7);
    assertThat(host.attachment(ADDRESS, new Pasid(7))).isEmpty();

    guest.write4(RegisterOffset.GCMD, CommandRegisters.QIE);
    assertThat(dataOf(0)).as("translation off: the guest's memory").isEqualTo(HwptData.None.NONE);
    guest.unit.close();
    tables.close();
  }

  @Test
  void secondStagesAreShadowed() {
    GuestPageTables tables = tables(TranslationMode.Kind.SHADOW);
    Guest guest = guest(VtdCapabilities.shadow(20), tables);
    guest.enable(1);
    guest.context(8);
    PageTables second = PageTables.secondStage(guest);
    guest.entry(7, Guest.secondStage(5, second.top));
    guest.invalidatePasidCache(7);
    IoasId shadow =
        (IoasId)
            iommufd
                .pageTable(host.attachment(ADDRESS, new Pasid(7)).orElseThrow())
                .orElseThrow()
                .on();
    assertThat(iommufd.mappings(shadow)).isEmpty();
    second.map(0x5000, 1, 0x800000 | PageTables.READ_WRITE);
    guest.put(2 | 3 << 4 | 5 << 16, 0x5000);
    guest.await(2);
    assertThat(iommufd.mappings(shadow))
        .singleElement()
        .satisfies(mapping -> {
          assertThat(mapping.iova()).isEqualTo(0x5000);
          assertThat(mapping.length()).isEqualTo(0x1000);
        });
    guest.unit.close();
    tables.close();
  }

  @Test
  void anEntryThatTheHostRefusesIsAFaultAndStaysBlocked() {
    GuestPageTables tables = tables(TranslationMode.Kind.NESTED);
    Guest guest = guest(nested(), tables);
    guest.enable(1);
    guest.context(8);
    host.failures().failNext(Request.ATTACH_PASID, Errno.ENOMEM);
    guest.entry(7, Guest.firstStage(3, 0x8000));
    guest.invalidatePasidCache(7);
    assertThat(guest.status()).as("blocked, and so done").isEqualTo(1);
    assertThat(host.attachment(ADDRESS, new Pasid(7))).isEmpty();
    assertThat(guest.read8(RegisterOffset.FRCD + 8) >>> 32 & 0xff)
        .isEqualTo(FaultReason.PASID_ENTRY_INVALID.code());
    guest.unit.close();
    tables.close();
  }

  @Test
  void aPageRequestOfTheFunctionIsInTheGuestsQueueAndItsAnswerGoesBack() {
    GuestPageTables tables = tables(TranslationMode.Kind.NESTED);
    Guest guest = guest(VtdCapabilities.nested(-1, -1, 20, true), tables);
    guest.enable(1);
    guest.context(8 | 4 | 0x10);
    guest.write8(RegisterOffset.PQA, Guest.PAGE_QUEUE);
    guest.entry(7, Guest.firstStage(3, 0x8000));
    guest.invalidatePasidCache(7);
    int group = 5;
    host.request(
        ADDRESS,
        new io.vpasid.vmm.iommufd.simulated.PageRequest(
            new Pasid(7), group, true, PageFault.READ, 0x1234_5000));

    int drain = 1 << 7;
    guest.queue(5 | 1 << 5 | drain | 2L << 32, Guest.STATUS);
    assertThat(guest.status()).isEqualTo(2);
    assertThat(guest.read4(RegisterOffset.PQT)).isEqualTo(32);
    assertThat(guest.load(Guest.PAGE_QUEUE)).isEqualTo(1 | 1 << 8 | 0x20 << 16 | 7L << 32);
    assertThat(guest.load(Guest.PAGE_QUEUE + 8)).isEqualTo(0x1234_5000L | group << 3 | 5);
    assertThat(host.takeAnswers(ADDRESS)).isEmpty();

    guest.put(9 | 1 << 4 | 0x20 << 16 | 7L << 32, (long) group << 3);
    guest.await(3);
    assertThat(host.takeAnswers(ADDRESS))
        .containsExactly(
            new PageAnswer(new Pasid(7), group, io.vpasid.vmm.iommufd.PageResponse.SUCCESS));
    guest.unit.close();
    tables.close();
  }

  @ParameterizedTest
  @EnumSource(TranslationMode.Kind.class)
  void aHostileGuestLeavesNothingAttached(TranslationMode.Kind kind) {
    GuestPageTables tables = tables(kind);
    Guest guest =
        guest(kind == TranslationMode.Kind.NESTED ? nested() : VtdCapabilities.shadow(20), tables);
    guest.enable(1);
    guest.context(8);
    Random random = new Random(3);
    for (int i = 0; i < 20_000; i++) {
      int pasid = random.nextInt(24);
      guest.entry(
          pasid,
          random.nextInt(1 << 10) | (long) random.nextInt(0x1000) << 12,
          random.nextInt(8) | 1 << 23,
          (long) random.nextInt(0x1000) << 12 | random.nextInt(32));
      guest.put(
          (7 - random.nextInt(2))
              | random.nextInt(4) << 4
              | random.nextInt(8) << 16
              | (long) pasid << 32,
          0);
      guest.await(i);
      if ((guest.read4(RegisterOffset.FSTS) & FaultLog.IQE) != 0) {
        guest.store(Guest.QUEUE + guest.read4(RegisterOffset.IQH), 2 | 1 << 4, 0);
        guest.write4(RegisterOffset.FSTS, FaultLog.IQE);
      }
      assertThat(guest.status()).isEqualTo(i);
    }
    guest.unit.close();
    tables.close();
  }
}
