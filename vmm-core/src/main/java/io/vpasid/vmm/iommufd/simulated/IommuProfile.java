package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.vmm.iommufd.HwInfoData;
import io.vpasid.vmm.iommufd.IovaRanges.Range;
import io.vpasid.vmm.iommufd.Payload;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/// The IOMMU that functions are behind: its vendor, which decides how its driver answers, and what
/// it can do.
///
/// @param vendor whose driver answers
/// @param registers what GET_HW_INFO shows; decides for Intel and Arm what works
/// @param nesting whether page tables can be nested
/// @param dirtyTracking whether page tables can track dirty pages
/// @param pageRequests whether devices can send page requests
/// @param pageSize smallest page in bytes, a power of two
/// @param aperture the IOVAs that its page tables reach
/// @param reserved regions that every device behind it reserves, such as the MSI window
public record IommuProfile(
    Vendor vendor,
    HwInfoData registers,
    boolean nesting,
    boolean dirtyTracking,
    boolean pageRequests,
    long pageSize,
    Range aperture,
    List<Range> reserved) {

  /// An IOMMU driver of Linux.
  public enum Vendor {
    /// VT-d.
    INTEL,
    /// SMMUv3.
    ARM,
    /// AMD-Vi.
    AMD,
    /// The mock IOMMU with which the kernel tests itself.
    MOCK,
    /// None at all: VFIO's no-IOMMU mode.
    NONE
  }

  private static final long CAP_GIGABYTE_PAGES = 1L << 56;
  private static final long CAP_FIVE_LEVELS = 1L << 60;
  private static final long ECAP_DEVICE_TLB = 1L << 2;
  private static final long ECAP_SNOOP_CONTROL = 1L << 7;
  private static final long ECAP_NEST = 1L << 26;
  private static final long ECAP_PRS = 1L << 29;
  static final long ECAP_SRS = 1L << 31;
  static final long ECAP_EAFS = 1L << 34;
  private static final long ECAP_PSS_20_BITS = 19L << 35;
  private static final long ECAP_PASID = 1L << 40;
  private static final long ECAP_PAGE_DRAIN = 1L << 42;
  private static final long ECAP_SMTS = 1L << 43;
  private static final long ECAP_SSADS = 1L << 45;
  private static final long ECAP_SSTS = 1L << 46;
  private static final long ECAP_FSTS = 1L << 47;
  private static final long ECAP_PAGE_WALK_SNOOP = 1L << 48;

  private static final Range ADDRESSES_48 = new Range(0, (1L << 48) - 1);
  private static final Range X86_MSI = new Range(0xfee00000L, 0xfeefffffL);
  private static final Range ARM_MSI = new Range(0x8000000L, 0x80fffffL);

  /// Keeps a copy.
  ///
  /// @throws IllegalArgumentException if the page size is no power of two
  public IommuProfile {
    reserved = List.copyOf(reserved);
    if (Long.bitCount(pageSize) != 1) {
      throw new IllegalArgumentException("A page size is a power of two, not " + pageSize);
    }
  }

  /// Intel VT-d in scalable mode, with first and second stage, nesting, 20-bit PASIDs and page
  /// requests, all that Linux wants for shared virtual addressing; four levels.
  public static IommuProfile intel() {
    return new IommuProfile(
        Vendor.INTEL,
        new HwInfoData.IntelVtd(
            1,
            CAP_GIGABYTE_PAGES,
            ECAP_DEVICE_TLB
                | ECAP_SNOOP_CONTROL
                | ECAP_NEST
                | ECAP_PRS
                | ECAP_SRS
                | ECAP_EAFS
                | ECAP_PSS_20_BITS
                | ECAP_PASID
                | ECAP_PAGE_DRAIN
                | ECAP_SMTS
                | ECAP_SSADS
                | ECAP_SSTS
                | ECAP_FSTS
                | ECAP_PAGE_WALK_SNOOP),
        true,
        true,
        true,
        4096,
        ADDRESSES_48,
        List.of(X86_MSI));
  }

  /// Intel VT-d with five levels.
  public static IommuProfile intelFiveLevels() {
    IommuProfile four = intel();
    HwInfoData.IntelVtd vtd = (HwInfoData.IntelVtd) four.registers;
    return four.withRegisters(
        new HwInfoData.IntelVtd(vtd.flags(), vtd.cap() | CAP_FIVE_LEVELS, vtd.ecap()));
  }

  /// Intel VT-d in legacy mode: no PASIDs, no nesting.
  public static IommuProfile intelLegacy() {
    return new IommuProfile(
        Vendor.INTEL,
        new HwInfoData.IntelVtd(1, 0, 0),
        false,
        false,
        false,
        4096,
        ADDRESSES_48,
        List.of(X86_MSI));
  }

  /// Arm SMMUv3 with both stages and 20-bit substream ids.
  public static IommuProfile arm() {
    return new IommuProfile(
        Vendor.ARM,
        new HwInfoData.ArmSmmuV3(0, List.of(0b11, 20 << 6, 0, 0, 0, 0), 0, 0),
        true,
        true,
        true,
        4096,
        ADDRESSES_48,
        List.of(ARM_MSI));
  }

  /// AMD-Vi with guest translation and 16-bit PASIDs.
  public static IommuProfile amd() {
    return new IommuProfile(
        Vendor.AMD,
        new HwInfoData.Amd(15L << 32, 0),
        false,
        true,
        true,
        4096,
        ADDRESSES_48,
        List.of(X86_MSI));
  }

  /// The kernel's mock IOMMU.
  public static IommuProfile mock() {
    byte[] info =
        ByteBuffer.allocate(8).order(ByteOrder.nativeOrder()).putInt(0).putInt(0xdeadbeef).array();
    return new IommuProfile(
        Vendor.MOCK,
        new HwInfoData.Other(MOCK_HW_INFO, Payload.of(info)),
        true,
        true,
        true,
        2048,
        new Range(1L << 24, (1L << 31) - 1),
        List.of());
  }

  /// No IOMMU.
  public static IommuProfile none() {
    return new IommuProfile(
        Vendor.NONE, new HwInfoData.None(), false, false, false, 4096, new Range(0, -1), List.of());
  }

  /// The machines' IOMMUs by the names that files and commands have for them: `intel`,
  /// `intel-legacy`, `arm`, `amd`, `none`.
  public static List<String> names() {
    return List.copyOf(NAMED.keySet());
  }

  /// The IOMMU of a name; empty if there is none.
  public static Optional<IommuProfile> named(String name) {
    return Optional.ofNullable(NAMED.get(name)).map(Supplier::get);
  }

  /// The name under which [#named] has it; empty for one that was made otherwise.
  public Optional<String> name() {
    return NAMED.keySet().stream()
        .filter(name -> named(name).filter(this::equals).isPresent())
        .findFirst();
  }

  private static final Map<String, Supplier<IommuProfile>> NAMED = new LinkedHashMap<>();

  static {
    NAMED.put("intel", IommuProfile::intel);
    NAMED.put("intel-legacy", IommuProfile::intelLegacy);
    NAMED.put("arm", IommuProfile::arm);
    NAMED.put("amd", IommuProfile::amd);
    NAMED.put("none", IommuProfile::none);
  }

  /// Type of the mock IOMMU's GET_HW_INFO.
  static final int MOCK_HW_INFO = 0xfeedbeef;

  /// The same with other registers.
  public IommuProfile withRegisters(HwInfoData other) {
    return new IommuProfile(
        vendor, other, nesting, dirtyTracking, pageRequests, pageSize, aperture, reserved);
  }

  /// The same, with or without page requests.
  public IommuProfile withPageRequests(boolean supported) {
    return new IommuProfile(
        vendor, registers, nesting, dirtyTracking, supported, pageSize, aperture, reserved);
  }

  /// The same, with or without nesting.
  public IommuProfile withNesting(boolean supported) {
    return new IommuProfile(
        vendor, registers, supported, dirtyTracking, pageRequests, pageSize, aperture, reserved);
  }

  IommuDriver driver() {
    return IommuDriver.of(this);
  }
}
