package io.vpasid.vmm.iommufd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.synth.HardwareInfo;
import io.vpasid.vmm.linux.Errno;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// The values of the interface.
class ValuesTest {

  @Test
  void errnoHasItsNameAndNumber() {
    assertThat(Errno.EINVAL.number()).isEqualTo(22);
    assertThat(Errno.EADDRINUSE).hasToString("EADDRINUSE");
    assertThat(new Errno(16)).isEqualTo(Errno.EBUSY);
  }

  @Test
  void errnoIsFoundByItsName() {
    assertThat(Errno.named("EOPNOTSUPP")).contains(Errno.EOPNOTSUPP);
    assertThat(Errno.named("eio")).isEmpty();
    assertThat(Errno.named("")).isEmpty();
  }

  @Test
  void errnoWithoutANameKeepsItsNumber() {
    assertThat(new Errno(133).name()).isEqualTo("errno 133");
  }

  @Test
  void exceptionIsASentence() {
    assertThat(new IommufdException(Errno.ENOMEM, "IOMMU_IOAS_ALLOC", ""))
        .hasMessage("IOMMU_IOAS_ALLOC failed with ENOMEM (12).");
    assertThat(new IommufdException(Errno.EBUSY, "IOMMU_DESTROY", "IOAS 3"))
        .hasMessage("IOMMU_DESTROY (IOAS 3) failed with EBUSY (16).");
  }

  @Test
  void pasidFitsTheNumbersBetweenZeroAndItsWidth() {
    assertThat(new Pasid(0).fits(20)).isFalse();
    assertThat(new Pasid(1).fits(0)).isFalse();
    assertThat(new Pasid(1).fits(1)).isTrue();
    assertThat(new Pasid((1 << 20) - 1).fits(20)).isTrue();
    assertThat(new Pasid(1 << 20).fits(20)).isFalse();
    assertThat(new Pasid(-1).fits(20)).isFalse();
    assertThat(new Pasid(-1).fits(31)).isFalse();
  }

  @Test
  void pasidIsUnsigned() {
    assertThat(new Pasid(-1)).hasToString("4294967295").isGreaterThan(new Pasid(1));
  }

  @Test
  void idsAreNamedByKindAndUnsignedNumber() {
    assertThat(new HwptId(3)).hasToString("HWPT 3");
    assertThat(new IoasId(-1)).hasToString("IOAS 4294967295");
  }

  @Test
  void hardwareInfoIsReadFromTheCapabilityBits() {
    HwInfo all = new HwInfo(20, 0b1110, new HwInfoData.None());
    HwInfo none = new HwInfo(0, 1, new HwInfoData.None());

    assertThat(all.hardwareInfo()).isEqualTo(new HardwareInfo(20, true, true, false));
    assertThat(none.hardwareInfo()).isEqualTo(HardwareInfo.NONE);
  }

  /// ECAP of an emulated VT-d with scalable mode, first stage and 20-bit PASIDs has bits 43, 47, 40
  /// and 39:35.
  @Test
  void intelRegistersAreDecoded() {
    HwInfoData.IntelVtd vtd =
        new HwInfoData.IntelVtd(
            0, 1L << 60, 1L << 47 | 1L << 43 | 1L << 40 | 0b10011L << 35 | 1L << 29);

    assertThat(vtd.scalableMode()).isTrue();
    assertThat(vtd.pasid()).isTrue();
    assertThat(vtd.pasidBits()).isEqualTo(20);
    assertThat(vtd.firstStage()).isTrue();
    assertThat(vtd.nested()).isFalse();
    assertThat(vtd.fiveLevels()).isTrue();
  }

  @Test
  void armRegistersAreDecoded() {
    HwInfoData.ArmSmmuV3 smmu = new HwInfoData.ArmSmmuV3(0, List.of(0, 0x500, 0, 0, 0, 0), 0, 0);

    assertThat(smmu.pasidBits()).isEqualTo(20);
    assertThatThrownBy(() -> new HwInfoData.ArmSmmuV3(0, List.of(1), 0, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void amdRegistersAreDecoded() {
    assertThat(new HwInfoData.Amd(0xfL << 32, 0).pasidBits()).isEqualTo(16);
  }

  @Test
  void pageTableRequestAddsUpItsFlags() {
    HwptRequest request =
        HwptRequest.paging(new DeviceId(1), new IoasId(2))
            .with(HwptFlag.PASID)
            .with(HwptFlag.NEST_PARENT)
            .withFaults(new FaultId(5));

    assertThat(request.flagBits()).isEqualTo(0b1101);
    assertThat(request.faultQueue()).isEqualTo(new FaultId(5));
    assertThat(HwptRequest.paging(new DeviceId(1), new IoasId(2)).flagBits()).isZero();
  }

  @Test
  void payloadIsItsBytes() {
    byte[] bytes = {1, 2, (byte) 0xff};
    Payload payload = Payload.of(bytes);
    bytes[0] = 9;

    assertThat(payload).hasToString("0102ff").isEqualTo(Payload.of((byte) 1, (byte) 2, (byte) -1));
    assertThat(payload.toByteArray()).containsExactly(1, 2, 0xff);
    assertThat(payload.size()).isEqualTo(3);
  }

  @Test
  void optionsAreFoundByName() {
    BackendOptions options = new BackendOptions(Map.of("iommu", "arm"));

    assertThat(options.value("iommu")).contains("arm");
    assertThat(options.value("kernel")).isEmpty();
  }
}
