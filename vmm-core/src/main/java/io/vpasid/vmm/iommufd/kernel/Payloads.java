package io.vpasid.vmm.iommufd.kernel;

import io.vpasid.vmm.iommufd.HwInfoData;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.Invalidation;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.Payload;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.Field;
import io.vpasid.vmm.linux.calls.IommufdUapi.ArmSmmuv3Invalidate;
import io.vpasid.vmm.linux.calls.IommufdUapi.HwInfoAmd;
import io.vpasid.vmm.linux.calls.IommufdUapi.HwInfoArmSmmuv3;
import io.vpasid.vmm.linux.calls.IommufdUapi.HwInfoTegra241Cmdqv;
import io.vpasid.vmm.linux.calls.IommufdUapi.HwInfoVtd;
import io.vpasid.vmm.linux.calls.IommufdUapi.HwptAmdGuest;
import io.vpasid.vmm.linux.calls.IommufdUapi.HwptArmSmmuv3;
import io.vpasid.vmm.linux.calls.IommufdUapi.HwptInvalidate;
import io.vpasid.vmm.linux.calls.IommufdUapi.HwptVtdS1;
import io.vpasid.vmm.linux.calls.IommufdUapi.VtdS1Invalidate;
import io.vpasid.vmm.linux.calls.Records;
import java.nio.ByteOrder;
import java.util.List;

/// Data that a request points to, in the format of each IOMMU.
final class Payloads {
  private static final List<Field> IDR =
      List.of(
          HwInfoArmSmmuv3.IDR0,
          HwInfoArmSmmuv3.IDR1,
          HwInfoArmSmmuv3.IDR2,
          HwInfoArmSmmuv3.IDR3,
          HwInfoArmSmmuv3.IDR4,
          HwInfoArmSmmuv3.IDR5);

  private Payloads() {}

  /// The registers of an IOMMU, as the kernel wrote them. A known type that is shorter than its
  /// structure is kept as bytes.
  ///
  /// @param length how much of it was written
  static HwInfoData hwInfo(int type, Records data, int length) {
    int whole =
        switch (type) {
          case HwInfoData.IntelVtd.TYPE -> HwInfoVtd.SIZE;
          case HwInfoData.ArmSmmuV3.TYPE -> HwInfoArmSmmuv3.SIZE;
          case HwInfoData.Tegra241Cmdqv.TYPE -> HwInfoTegra241Cmdqv.SIZE;
          case HwInfoData.Amd.TYPE -> HwInfoAmd.SIZE;
          default -> 0;
        };
    if (length < whole) {
      return new HwInfoData.Other(type, Payload.of(data.bytes(length)));
    }
    return switch (type) {
      case HwInfoData.None.TYPE -> new HwInfoData.None();
      case HwInfoData.IntelVtd.TYPE ->
          new HwInfoData.IntelVtd(
              data.getInt(0, HwInfoVtd.FLAGS),
              data.get(0, HwInfoVtd.CAP_REG),
              data.get(0, HwInfoVtd.ECAP_REG));
      case HwInfoData.ArmSmmuV3.TYPE ->
          new HwInfoData.ArmSmmuV3(
              data.getInt(0, HwInfoArmSmmuv3.FLAGS),
              IDR.stream().map(field -> data.getInt(0, field)).toList(),
              data.getInt(0, HwInfoArmSmmuv3.IIDR),
              data.getInt(0, HwInfoArmSmmuv3.AIDR));
      case HwInfoData.Tegra241Cmdqv.TYPE ->
          new HwInfoData.Tegra241Cmdqv(
              data.getInt(0, HwInfoTegra241Cmdqv.FLAGS),
              data.getInt(0, HwInfoTegra241Cmdqv.VERSION),
              data.getInt(0, HwInfoTegra241Cmdqv.LOG2VCMDQS),
              data.getInt(0, HwInfoTegra241Cmdqv.LOG2VSIDS));
      case HwInfoData.Amd.TYPE ->
          new HwInfoData.Amd(data.get(0, HwInfoAmd.EFR), data.get(0, HwInfoAmd.EFR2));
      default -> new HwInfoData.Other(type, Payload.of(data.bytes(length)));
    };
  }

  /// The structure that describes a guest's page table; empty for a paging one.
  static Records of(HwptData data) {
    return switch (data) {
      case HwptData.None _ -> Records.of();
      case HwptData.VtdS1 vtd -> {
        Records records = Records.room(1, HwptVtdS1.STRUCT);
        records.set(0, HwptVtdS1.FLAGS, vtd.flags());
        records.set(0, HwptVtdS1.PGTBL_ADDR, vtd.pageTableAddress());
        records.set(0, HwptVtdS1.ADDR_WIDTH, vtd.addressWidth());
        yield records;
      }
      case HwptData.ArmSmmuV3 arm -> {
        Records records = Records.room(1, HwptArmSmmuv3.STRUCT);
        records.set(0, HwptArmSmmuv3.STE0, littleEndian(arm.ste0()));
        records.set(0, HwptArmSmmuv3.STE1, littleEndian(arm.ste1()));
        yield records;
      }
      case HwptData.AmdGuest amd -> {
        Records records = Records.room(1, HwptAmdGuest.STRUCT);
        records.set(0, HwptAmdGuest.DTE0, amd.dte0());
        records.set(0, HwptAmdGuest.DTE1, amd.dte1());
        records.set(0, HwptAmdGuest.DTE2, amd.dte2());
        records.set(0, HwptAmdGuest.DTE3, amd.dte3());
        yield records;
      }
      case HwptData.Other(int _, var payload) -> Records.of(payload.toByteArray());
    };
  }

  /// Entries of an invalidation.
  ///
  /// @param records the entries
  /// @param length bytes of one
  /// @param count how many
  record Entries(Records records, int length, int count) implements AutoCloseable {
    @Override
    public void close() {
      records.close();
    }
  }

  /// @throws IommufdException EINVAL, if there are fewer bytes than entries need
  static Entries of(Invalidation invalidation) {
    return switch (invalidation) {
      case Invalidation.VtdS1(var entries) -> {
        Records records = Records.room(entries.size(), VtdS1Invalidate.STRUCT);
        for (int i = 0; i < entries.size(); i++) {
          records.set(i, VtdS1Invalidate.ADDR, entries.get(i).address());
          records.set(i, VtdS1Invalidate.NPAGES, entries.get(i).pages());
          records.set(i, VtdS1Invalidate.FLAGS, entries.get(i).flags());
        }
        yield new Entries(records, VtdS1Invalidate.SIZE, entries.size());
      }
      case Invalidation.ArmSmmuV3(var commands) -> {
        Records records = Records.room(commands.size(), ArmSmmuv3Invalidate.STRUCT);
        for (int i = 0; i < commands.size(); i++) {
          records.set(i, ArmSmmuv3Invalidate.CMD0, littleEndian(commands.get(i).word0()));
          records.set(i, ArmSmmuv3Invalidate.CMD1, littleEndian(commands.get(i).word1()));
        }
        yield new Entries(records, ArmSmmuv3Invalidate.SIZE, commands.size());
      }
      case Invalidation.Other other -> {
        long needed =
            Integer.toUnsignedLong(other.entryLength())
                * Integer.toUnsignedLong(other.entryCount());
        if (Long.compareUnsigned(other.payload().size(), needed) < 0) {
          throw new IommufdException(
              Errno.EINVAL,
              HwptInvalidate.REQUEST.name(),
              "%s entries of %s bytes in %s"
                  .formatted(
                      Integer.toUnsignedString(other.entryCount()),
                      Integer.toUnsignedString(other.entryLength()),
                      other.payload().size()));
        }
        yield new Entries(
            Records.of(other.payload().toByteArray()), other.entryLength(), other.entryCount());
      }
    };
  }

  private static long littleEndian(long value) {
    return ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? value : Long.reverseBytes(value);
  }
}
