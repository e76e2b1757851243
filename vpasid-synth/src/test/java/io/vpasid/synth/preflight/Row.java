package io.vpasid.synth.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.quirk.FunctionKind;
import java.util.stream.Stream;

/// One line of a table of checks.
///
/// @param what the case
/// @param request what is known
/// @param id the check
/// @param verdict what it has to come to
/// @param says a part of what it has to say
record Row(String what, PreflightRequest request, CheckId id, Verdict verdict, String says) {
  /// What the host has in all of them, unless said otherwise.
  static final HardwareInfo HOST = HardwareInfo.parse("width=20,priv");

  /// An IOMMU with everything: SMTS, PDS, PASID, PSS 19, PRS, DT, stages 1 and 2 with 48 bits.
  static final IommuRegisters IOMMU =
      new IommuRegisters(
          1L << 60 | 1L << 56 | 1 << 10,
          1L << 48 | 1L << 47 | 1L << 46 | 1L << 43 | 1L << 42 | 1L << 40 | 19L << 35 | 1L << 29
              | 1L << 2);

  static PreflightRequest request(FunctionBytes bytes) {
    return PreflightRequest.of(bytes.space(), FunctionKind.PHYSICAL, HOST);
  }

  static PreflightRequest onRootBus(FunctionBytes bytes) {
    return request(bytes).at(GuestPlace.onRootBus());
  }

  static PreflightRequest below(FunctionBytes bytes, FunctionBytes... ports) {
    return request(bytes).at(GuestPlace.below(Stream.of(ports).map(FunctionBytes::space).toList()));
  }

  void check() {
    Check check = Preflight.of(request).check(id);

    assertThat(check.verdict()).as(check.toString()).isEqualTo(verdict);
    assertThat(check.explanation()).contains(says);
    assertThat(check.remedy().isPresent())
        .isEqualTo(verdict == Verdict.FAIL || verdict == Verdict.UNKNOWN);
  }

  @Override
  public String toString() {
    return id + " " + verdict + ": " + what;
  }
}
