package io.vpasid.synth.preflight;

import static io.vpasid.synth.preflight.FunctionBytes.endpoint;
import static io.vpasid.synth.preflight.Row.IOMMU;
import static io.vpasid.synth.preflight.Row.request;

import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.quirk.FunctionKind;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CapabilityChecksTest {
  /// ECAP with a PSS of 15: PASIDs of 16 bits.
  private static final IommuRegisters SIXTEEN_BITS =
      new IommuRegisters(IOMMU.cap(), (IOMMU.ecap() & ~(0x1fL << 35)) | 15L << 35);

  private static PreflightRequest onHost(FunctionBytes bytes, String hardware) {
    return PreflightRequest.of(bytes.space(), FunctionKind.PHYSICAL, HardwareInfo.parse(hardware));
  }

  private static FunctionBytes width(int width) {
    return endpoint().octet(0x175, width);
  }

  private static FunctionBytes atTheVeryEnd() {
    return endpoint().extended(0x160, 0x13, 0xffc).extended(0xffc, 0x1b, 0);
  }

  static List<Row> rows() {
    return List.of(
        found("in the list", request(endpoint()), Verdict.PASS, "at 0x170"),
        found(
            "not in the list",
            request(endpoint().extended(0x160, 0x13, 0)),
            Verdict.FAIL,
            "ends without it"),
        found("256 bytes", request(FunctionBytes.small()), Verdict.FAIL, "no extended list"),
        found(
            "any version", request(endpoint().dword(0x170, 0x000f_001b)), Verdict.PASS, "at 0x170"),
        width("as the host", request(endpoint()), Verdict.PASS, "20 bits and the host has 20"),
        width("narrower", request(width(8)), Verdict.PASS, "8 bits and the host has 20"),
        width("0 bits", request(width(0)), Verdict.FAIL, "leaves one PASID"),
        width("31 bits", request(width(31)), Verdict.FAIL, "overflows"),
        width("none on the host", onHost(endpoint(), "none"), Verdict.FAIL, "reports none"),
        width(
            "wider than the host",
            onHost(endpoint(), "width=16,priv"),
            Verdict.UNKNOWN,
            "20 bits, but the host has 16 bits only; fewer bits"),
        width(
            "wider than the host behind a wide IOMMU",
            onHost(endpoint(), "width=16,priv").behind(IOMMU),
            Verdict.FAIL,
            "the guest's IOMMU has 20 bits"),
        width(
            "wider than the host behind a narrow IOMMU",
            onHost(endpoint(), "width=16,priv").behind(SIXTEEN_BITS),
            Verdict.PASS,
            "16 bits, as the IOMMU has no more"),
        width("no capability", request(FunctionBytes.small()), Verdict.NOT_APPLICABLE, "P11"),
        width("no room for registers", request(atTheVeryEnd()), Verdict.FAIL, "behind the end"),
        enabled("off", request(endpoint()), Verdict.PASS, "for the first time"),
        enabled(
            "on in the register",
            request(endpoint().word(0x176, 1)),
            Verdict.PASS,
            "goes by its own record"),
        recorded("found", request(endpoint()), Verdict.PASS, "0x170"),
        recorded("not found", request(FunctionBytes.small()), Verdict.FAIL, "No offset"),
        permissions("as the host", request(endpoint()), Verdict.PASS, "Exec-, Priv+"),
        permissions(
            "fewer than the host",
            onHost(endpoint().word(0x174, 0x1400), "width=20,exec,priv"),
            Verdict.PASS,
            "Exec-, Priv-"),
        permissions(
            "privileged mode that the host has not",
            onHost(endpoint(), "width=20"),
            Verdict.FAIL,
            "Privileged Mode"),
        permissions(
            "execute permission that the host has not",
            onHost(endpoint().word(0x174, 0x1406), "width=20,priv"),
            Verdict.FAIL,
            "offers Execute Permission"),
        permissions(
            "both that the host has not",
            onHost(endpoint().word(0x174, 0x1406), "width=20"),
            Verdict.FAIL,
            "both permissions"),
        permissions("no capability", request(FunctionBytes.small()), Verdict.NOT_APPLICABLE, "P11"),
        permissions("no registers", request(atTheVeryEnd()), Verdict.NOT_APPLICABLE, "P12"));
  }

  private static Row found(String what, PreflightRequest request, Verdict verdict, String says) {
    return new Row(what, request, CheckId.P11, verdict, says);
  }

  private static Row width(String what, PreflightRequest request, Verdict verdict, String says) {
    return new Row(what, request, CheckId.P12, verdict, says);
  }

  private static Row enabled(String what, PreflightRequest request, Verdict verdict, String says) {
    return new Row(what, request, CheckId.P18, verdict, says);
  }

  private static Row recorded(String what, PreflightRequest request, Verdict verdict, String says) {
    return new Row(what, request, CheckId.P20, verdict, says);
  }

  private static Row permissions(
      String what, PreflightRequest request, Verdict verdict, String says) {
    return new Row(what, request, CheckId.P22, verdict, says);
  }

  @ParameterizedTest
  @MethodSource("rows")
  void capabilityIsReadAsLinuxReadsIt(Row row) {
    row.check();
  }
}
