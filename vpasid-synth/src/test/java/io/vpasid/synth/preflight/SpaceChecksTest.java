package io.vpasid.synth.preflight;

import static io.vpasid.synth.preflight.FunctionBytes.DOWNSTREAM_PORT;
import static io.vpasid.synth.preflight.FunctionBytes.EXPRESS_TO_PCI_BRIDGE;
import static io.vpasid.synth.preflight.FunctionBytes.ROOT_PORT;
import static io.vpasid.synth.preflight.FunctionBytes.UPSTREAM_PORT;
import static io.vpasid.synth.preflight.FunctionBytes.endpoint;
import static io.vpasid.synth.preflight.FunctionBytes.port;
import static io.vpasid.synth.preflight.Row.below;
import static io.vpasid.synth.preflight.Row.onRootBus;
import static io.vpasid.synth.preflight.Row.request;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SpaceChecksTest {

  static List<Row> rows() {
    return List.of(
        bridges("ports not known", request(endpoint()), Verdict.UNKNOWN, "not known"),
        bridges("root bus", onRootBus(endpoint()), Verdict.PASS, "on the root bus"),
        bridges(
            "switch and Root Port",
            below(endpoint(), port(DOWNSTREAM_PORT), port(UPSTREAM_PORT), port(ROOT_PORT)),
            Verdict.PASS,
            "Only PCI Express ports"),
        bridges(
            "bridge to PCI",
            below(endpoint(), port(EXPRESS_TO_PCI_BRIDGE), port(ROOT_PORT)),
            Verdict.FAIL,
            "Below port 1 (1b36:000c), a PCI Express to PCI bridge (type 7)"),
        bridges(
            "bridge without PCI Express",
            below(endpoint(), port(ROOT_PORT).word(0x06, 0)),
            Verdict.FAIL,
            "without a PCI Express capability"),
        bridges(
            "PCI-X bridge at 266 MHz",
            below(endpoint(), port(ROOT_PORT).dword(0x40, 0x07).dword(0x44, 1 << 30)),
            Verdict.PASS,
            "PCI-X at 266"),
        express("found", request(endpoint()), Verdict.PASS, "at 0x40"),
        express(
            "behind another capability",
            request(endpoint().octet(0x34, 0x80).dword(0x80, 0x4005)),
            Verdict.PASS,
            "at 0x40"),
        express(
            "pointer with low bits set",
            request(endpoint().octet(0x34, 0x43)),
            Verdict.PASS,
            "at 0x40"),
        express(
            "Status bit 4 clear", request(endpoint().word(6, 0)), Verdict.FAIL, "no PCI Express"),
        express(
            "pointer into the header",
            request(endpoint().octet(0x34, 0x3c)),
            Verdict.FAIL,
            "no PCI Express"),
        express(
            "id ff in front",
            request(endpoint().octet(0x34, 0x80).dword(0x80, 0x40ff)),
            Verdict.FAIL,
            "no PCI Express"),
        express(
            "loop in front",
            request(endpoint().octet(0x34, 0x80).dword(0x80, 0x8005)),
            Verdict.FAIL,
            "no PCI Express"),
        express(
            "host bridge without",
            request(endpoint().word(6, 0).dword(0x08, 0x06000000)),
            Verdict.PASS,
            "host bridges"),
        express(
            "PCI-X at 533 MHz",
            request(endpoint().dword(0x40, 0x07).dword(0x44, 1 << 31)),
            Verdict.PASS,
            "PCI-X"),
        express(
            "PCI-X at 133 MHz",
            request(endpoint().dword(0x40, 0x07).dword(0x44, 1 << 17)),
            Verdict.FAIL,
            "no PCI Express"),
        readable("it answers", request(endpoint()), Verdict.UNKNOWN, "ECAM"),
        readable("zero", request(endpoint().dword(0x100, 0)), Verdict.UNKNOWN, "ECAM"),
        readable("all ones", request(endpoint().dword(0x100, -1)), Verdict.FAIL, "all ones"),
        readable("256 bytes", request(FunctionBytes.small()), Verdict.FAIL, "256 bytes"),
        aliased("differs", request(endpoint()), Verdict.PASS, "0x100 differs"),
        aliased("repeats", request(mirrored()), Verdict.FAIL, "repeats the ids"),
        aliased(
            "repeats but for the last",
            request(mirrored().dword(0xf00, 0)),
            Verdict.PASS,
            "0xf00 differs"),
        aliased("256 bytes", request(FunctionBytes.small()), Verdict.NOT_APPLICABLE, "256 bytes"),
        limits("four headers", request(endpoint()), Verdict.PASS, "4 of at most 480"),
        limits(
            "loop without PASID",
            request(endpoint().extended(0x160, 0x13, 0x100)),
            Verdict.FAIL,
            "is a loop"),
        limits(
            "loop behind PASID",
            request(endpoint().extended(0x170, 0x1b, 0x100)),
            Verdict.PASS,
            "4 of at most 480"),
        limits("256 bytes", request(FunctionBytes.small()), Verdict.FAIL, "for one of 256 bytes"),
        cutShort("PASID is reached", request(endpoint()), Verdict.PASS, "Nothing ends the walk"),
        cutShort(
            "0 at 0x100",
            request(endpoint().dword(0x100, 0)),
            Verdict.FAIL,
            "no extended capability at all"),
        cutShort(
            "into zeros",
            request(endpoint().extended(0x160, 0x13, 0x800)),
            Verdict.FAIL,
            "zeros at 0x800"),
        cutShort(
            "pointer below 0x100",
            request(endpoint().extended(0x160, 0x13, 0x0f4)),
            Verdict.FAIL,
            "points to 0x0f4"),
        cutShort(
            "low bits of a pointer",
            request(endpoint().extended(0x160, 0x13, 0x173)),
            Verdict.PASS,
            "Nothing ends the walk"),
        cutShort(
            "list that ends without PASID",
            request(endpoint().extended(0x160, 0x13, 0)),
            Verdict.PASS,
            "ends as it should"),
        cutShort(
            "not walked",
            request(FunctionBytes.small()),
            Verdict.NOT_APPLICABLE,
            "for one of 256 bytes (P4)"),
        allOnes("none", request(endpoint()), Verdict.PASS, "meets none"),
        allOnes(
            "in front of PASID",
            request(endpoint().extended(0x160, 0x13, 0x800).dword(0x800, -1).dword(0xffc, -1)),
            Verdict.FAIL,
            "0x800 reads as all ones"),
        allOnes(
            "a way back from 0xffc",
            request(
                endpoint()
                    .extended(0x160, 0x13, 0x800)
                    .dword(0x800, -1)
                    .extended(0xffc, 0x18, 0x170)),
            Verdict.PASS,
            "still finds"),
        allOnes(
            "behind PASID",
            request(endpoint().extended(0x170, 0x1b, 0x800).dword(0x800, -1)),
            Verdict.PASS,
            "meets none"),
        placeholders("none", request(endpoint()), Verdict.NOT_APPLICABLE, "no placeholder"),
        placeholders(
            "at the head",
            request(endpoint().dword(0x100, 0x1500_0000)),
            Verdict.PASS,
            "goes through"));
  }

  /// The dword at every 0x100 equals the ids.
  private static FunctionBytes mirrored() {
    FunctionBytes bytes = endpoint();
    for (int at = 0x100; at < 0x1000; at += 0x100) {
      bytes.dword(at, 0x0001f00d);
    }
    return bytes;
  }

  private static Row bridges(String what, PreflightRequest request, Verdict verdict, String says) {
    return new Row(what, request, CheckId.P3, verdict, says);
  }

  private static Row express(String what, PreflightRequest request, Verdict verdict, String says) {
    return new Row(what, request, CheckId.P4, verdict, says);
  }

  private static Row readable(String what, PreflightRequest request, Verdict verdict, String says) {
    return new Row(what, request, CheckId.P5, verdict, says);
  }

  private static Row aliased(String what, PreflightRequest request, Verdict verdict, String says) {
    return new Row(what, request, CheckId.P6, verdict, says);
  }

  private static Row limits(String what, PreflightRequest request, Verdict verdict, String says) {
    return new Row(what, request, CheckId.P7, verdict, says);
  }

  private static Row cutShort(String what, PreflightRequest request, Verdict verdict, String says) {
    return new Row(what, request, CheckId.P8, verdict, says);
  }

  private static Row allOnes(String what, PreflightRequest request, Verdict verdict, String says) {
    return new Row(what, request, CheckId.P9, verdict, says);
  }

  private static Row placeholders(
      String what, PreflightRequest request, Verdict verdict, String says) {
    return new Row(what, request, CheckId.P10, verdict, says);
  }

  @ParameterizedTest
  @MethodSource("rows")
  void spaceIsReadAsLinuxReadsIt(Row row) {
    row.check();
  }

  @Test
  void listOf480HeadersIsWalkedToItsEnd() {
    FunctionBytes bytes = endpoint();
    for (int i = 0; i < 479; i++) {
      bytes.extended(0x100 + 4 * i, 0x18, 0x104 + 4 * i);
    }
    bytes.extended(0x100 + 4 * 479, 0x1b, 0);

    Preflight preflight = Preflight.of(request(bytes));

    assertThat(preflight.check(CheckId.P7).explanation()).contains("480 of at most 480");
    assertThat(preflight.check(CheckId.P11).explanation()).contains("at 0x87c");
  }

  @Test
  void header481IsNotReached() {
    FunctionBytes bytes = endpoint();
    for (int i = 0; i < 480; i++) {
      bytes.extended(0x100 + 4 * i, 0x18, 0x104 + 4 * i);
    }
    bytes.extended(0x100 + 4 * 480, 0x1b, 0);

    Preflight preflight = Preflight.of(request(bytes));

    assertThat(preflight.check(CheckId.P7).verdict()).isEqualTo(Verdict.FAIL);
    assertThat(preflight.check(CheckId.P11).verdict()).isEqualTo(Verdict.FAIL);
  }

  @Test
  void evidenceNamesOffsetAndValue() {
    Check check = Preflight.of(request(endpoint().dword(0x100, -1))).check(CheckId.P5);

    assertThat(check.evidence()).hasSize(1);
    assertThat(check.evidence().getFirst().offset()).isEqualTo(0x100);
    assertThat(check.evidence().getFirst().value()).isEqualTo(0xffff_ffffL);
    assertThat(check.evidence().getFirst()).hasToString("0x100 = ffffffff (first extended header)");
  }
}
