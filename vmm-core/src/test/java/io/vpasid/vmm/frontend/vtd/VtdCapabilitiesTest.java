package io.vpasid.vmm.frontend.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What guests are offered, field by field.
class VtdCapabilitiesTest {
  private static final long EVERYTHING = -1;
  private static final long NESTING = 1L << 26 | 1L << 43 | 1L << 47;

  private static int field(long register, int high, int low) {
    return (int) ((register >>> low) & (1L << (high - low + 1)) - 1);
  }

  /// CAP: field, its bits, and its value in the profiles nested (of a host that has everything),
  /// shadow and emulated.
  @ParameterizedTest
  @CsvSource({
    "ND,     2,  0,  6,  6,  6",
    "AFL,    3,  3,  0,  0,  0",
    "RWBF,   4,  4,  0,  0,  0",
    "PLMR,   6,  5,  0,  0,  0",
    "CM,     7,  7,  1,  1,  1",
    "SAGAW, 12,  8,  6,  6, 14",
    "MGAW,  21, 16, 47, 47, 56",
    "ZLR,   22, 22,  1,  1,  1",
    "FRO,   33, 24, 34, 34, 34",
    "SSLPS, 37, 34,  3,  3,  3",
    "PSI,   39, 39,  1,  1,  1",
    "NFR,   47, 40,  7,  7,  7",
    "MAMV,  53, 48, 18, 18, 18",
    "DWD,   55, 54,  3,  3,  3",
    "FS1GP, 56, 56,  1,  0,  1",
    "PI,    59, 57,  0,  0,  0",
    "FS5LP, 60, 60,  1,  0,  1",
    "rest,  63, 61,  0,  0,  0",
  })
  void cap(String name, int high, int low, int nested, int shadow, int emulated) {
    long host = VtdCapabilities.nested(EVERYTHING, EVERYTHING, 20, true).cap();
    assertThat(field(host, high, low)).as("nested %s", name).isEqualTo(nested);
    assertThat(field(VtdCapabilities.shadow(20).cap(), high, low)).as(name).isEqualTo(shadow);
    assertThat(field(VtdCapabilities.emulated().cap(), high, low)).as(name).isEqualTo(emulated);
  }

  /// ECAP, in the same way.
  @ParameterizedTest
  @CsvSource({
    "C,      0,  0,  1,  1,  1",
    "QI,     1,  1,  1,  1,  1",
    "DT,     2,  2,  1,  0,  1",
    "IR,     5,  3,  0,  0,  0",
    "PT,     6,  6,  1,  1,  1",
    "SC,     7,  7,  1,  0,  1",
    "IRO,   17,  8, 15, 15, 15",
    "MHMV,  25, 18,  0,  0,  0",
    "NEST,  26, 26,  0,  0,  1",
    "DIS,   28, 27,  0,  0,  0",
    "PRS,   29, 29,  1,  0,  1",
    "ERS,   30, 30,  0,  0,  0",
    "SRS,   31, 31,  1,  0,  1",
    "NWFS,  33, 32,  0,  0,  0",
    "EAFS,  34, 34,  1,  0,  1",
    "PSS,   39, 35, 19, 19, 19",
    "PASID, 40, 40,  1,  1,  1",
    "DIT,   41, 41,  0,  0,  0",
    "PDS,   42, 42,  1,  0,  1",
    "SMTS,  43, 43,  1,  1,  1",
    "VCS,   44, 44,  0,  0,  0",
    "SSADS, 45, 45,  0,  0,  1",
    "SSTS,  46, 46,  0,  1,  1",
    "FSTS,  47, 47,  1,  0,  1",
    "SMPWC, 48, 48,  1,  1,  1",
    "rest,  63, 49,  0,  0,  0",
  })
  void ecap(String name, int high, int low, int nested, int shadow, int emulated) {
    long host = VtdCapabilities.nested(EVERYTHING, EVERYTHING, 20, true).ecap();
    assertThat(field(host, high, low)).as("nested %s", name).isEqualTo(nested);
    assertThat(field(VtdCapabilities.shadow(20).ecap(), high, low)).as(name).isEqualTo(shadow);
    assertThat(field(VtdCapabilities.emulated().ecap(), high, low)).as(name).isEqualTo(emulated);
  }

  @Test
  void aHostWithNothingButNestingGivesNothingMore() {
    VtdCapabilities least = VtdCapabilities.nested(0, NESTING, 20, true);
    assertThat(least.cap() >>> 56).isZero();
    assertThat(least.ecap()).isEqualTo(1 | 1 << 1 | 1 << 6 | 15 << 8 | 1L << 43 | 1L << 47);
    assertThat(least.pasidBits()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"19, 20, 20", "15, 20, 16", "19, 12, 12", "19, 0, 0"})
  void pasidsAreNoWiderThanTheHostHasThem(int pss, int bits, int offered) {
    long ecap = NESTING | 1L << 40 | (long) pss << 35;
    assertThat(VtdCapabilities.nested(0, ecap, bits, true).pasidBits()).isEqualTo(offered);
    assertThat(VtdCapabilities.shadow(bits).pasidBits()).isEqualTo(bits);
  }

  @Test
  void pageRequestsAreOfferedOnlyIfTheyAreWantedAndWhole() {
    assertThat(VtdCapabilities.nested(EVERYTHING, EVERYTHING, 20, false).pageRequests()).isFalse();
    assertThat(VtdCapabilities.nested(0, NESTING | 1L << 29, 20, true).pageRequests()).isFalse();
    assertThat(VtdCapabilities.nested(0, NESTING | 1L << 29 | 1L << 42 | 4, 20, true).deviceTlb())
        .isTrue();
  }

  @Test
  void aHostWithoutNestingIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VtdCapabilities.nested(-1, 1L << 43 | 1L << 47, 20, false))
        .withMessageContaining("has no nested translation");
  }

  @Test
  void pasidsHaveAtMost20Bits() {
    assertThatIllegalArgumentException().isThrownBy(() -> VtdCapabilities.shadow(21));
    assertThatIllegalArgumentException().isThrownBy(() -> VtdCapabilities.shadow(-1));
  }
}
