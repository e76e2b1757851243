package io.vpasid.synth.preflight;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IommuRegistersTest {

  @Test
  void fieldsAreThoseOfTheSpecification() {
    IommuRegisters iommu = new IommuRegisters(0, 0x0000_0998_2000_0004L);

    assertThat(iommu.scalableMode()).isTrue();
    assertThat(iommu.pageRequestDrain()).isFalse();
    assertThat(iommu.pasid()).isTrue();
    assertThat(iommu.pasidBits()).isEqualTo(20);
    assertThat(iommu.pageRequests()).isTrue();
    assertThat(iommu.deviceTlbs()).isTrue();
  }

  @Test
  void textIsReadBack() {
    IommuRegisters iommu = new IommuRegisters(0xd2008c22260206L, 0xffff_ffff_ffff_fff0L);

    assertThat(IommuRegisters.parse(iommu.toString())).isEqualTo(iommu);
    assertThat(IommuRegisters.parse("cap=0xD2008C22260206,ecap=0xfffffffffffffff0"))
        .isEqualTo(iommu);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "cap=1", "ecap=1,cap=1", "cap=g,ecap=1", "cap=12345678901234567,ecap=0"})
  void otherTextIsRefusedWithWhatItShouldBe(String text) {
    assertThatThrownBy(() -> IommuRegisters.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("write cap=HEX,ecap=HEX");
  }
}
