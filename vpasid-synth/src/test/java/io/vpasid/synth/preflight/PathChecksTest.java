package io.vpasid.synth.preflight;

import static io.vpasid.synth.preflight.FunctionBytes.DOWNSTREAM_PORT;
import static io.vpasid.synth.preflight.FunctionBytes.EVENT_COLLECTOR;
import static io.vpasid.synth.preflight.FunctionBytes.EXPRESS_TO_PCI_BRIDGE;
import static io.vpasid.synth.preflight.FunctionBytes.LEGACY_ENDPOINT;
import static io.vpasid.synth.preflight.FunctionBytes.ROOT_PORT;
import static io.vpasid.synth.preflight.FunctionBytes.UPSTREAM_PORT;
import static io.vpasid.synth.preflight.FunctionBytes.endpoint;
import static io.vpasid.synth.preflight.FunctionBytes.integrated;
import static io.vpasid.synth.preflight.FunctionBytes.port;
import static io.vpasid.synth.preflight.Row.below;
import static io.vpasid.synth.preflight.Row.onRootBus;
import static io.vpasid.synth.preflight.Row.request;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PathChecksTest {
  private static final int INTEL = 0x8086;
  private static final int HUAWEI = 0x19e5;

  private static PreflightRequest asFunction1(FunctionBytes bytes) {
    return request(bytes).at(new GuestPlace(List.of(), 1));
  }

  /// AER, then an ACS capability at 0x140 that advertises and enables these bits, then the rest.
  private static FunctionBytes withAcs(FunctionBytes bytes, int advertised, int enabled) {
    return bytes
        .extended(0x100, 0x0001, 0x140)
        .extended(0x140, 0x000d, 0x150)
        .dword(0x144, advertised | enabled << 16);
  }

  /// A port with 256 bytes, as a capture without privileges or with `lspci -xxx` has it.
  private static FunctionBytes cutOffPort() {
    return FunctionBytes.small()
        .dword(0x00, 0x000c1b36)
        .word(0x06, 0x0010)
        .octet(0x0e, 1)
        .octet(0x34, 0x40)
        .dword(0x40, 0x00420010)
        .dword(0x64, 1 << 21);
  }

  static List<Row> prefixes() {
    return List.of(
        prefix("integrated endpoint", request(integrated()), Verdict.PASS, "needs no bridge"),
        prefix(
            "integrated endpoint without",
            request(integrated().withoutPrefixes()),
            Verdict.FAIL,
            "Device Capabilities 2 bit 21 is 0"),
        prefix(
            "capability of version 1", request(integrated().version(1)), Verdict.FAIL, "version 1"),
        prefix(
            "no PCI Express capability",
            request(integrated().word(0x06, 0)),
            Verdict.FAIL,
            "no PCI Express capability"),
        prefix("ports not known", request(endpoint()), Verdict.UNKNOWN, "not known"),
        prefix(
            "endpoint without, ports not known",
            request(endpoint().withoutPrefixes()),
            Verdict.FAIL,
            "The function does not have them"),
        prefix(
            "endpoint on the root bus",
            onRootBus(endpoint()),
            Verdict.FAIL,
            "The function is on the root bus and of type 0"),
        prefix(
            "legacy endpoint on the root bus",
            onRootBus(endpoint().type(LEGACY_ENDPOINT)),
            Verdict.FAIL,
            "of type 1"),
        prefix(
            "below a Root Port",
            below(endpoint(), port(ROOT_PORT)),
            Verdict.PASS,
            "everything up to the Root Port"),
        prefix(
            "below a switch",
            below(endpoint(), port(DOWNSTREAM_PORT), port(UPSTREAM_PORT), port(ROOT_PORT)),
            Verdict.PASS,
            "everything up to the Root Port"),
        prefix(
            "Root Port without",
            below(endpoint(), port(ROOT_PORT).withoutPrefixes()),
            Verdict.FAIL,
            "Port 1 (1b36:000c) does not have them"),
        prefix(
            "Upstream Port without",
            below(
                endpoint(),
                port(DOWNSTREAM_PORT),
                port(UPSTREAM_PORT).withoutPrefixes(),
                port(ROOT_PORT)),
            Verdict.FAIL,
            "Port 2 (1b36:000c) does not have them"),
        prefix(
            "switch on the root bus",
            below(endpoint(), port(DOWNSTREAM_PORT), port(UPSTREAM_PORT)),
            Verdict.FAIL,
            "Port 2 (1b36:000c) is on the root bus and of type 5"),
        prefix(
            "excepted device",
            request(endpoint().withoutPrefixes().ids(HUAWEI, 0xa250).octet(0x08, 0x21)),
            Verdict.PASS,
            "excepts this device"),
        prefix(
            "another revision of it",
            request(endpoint().withoutPrefixes().ids(HUAWEI, 0xa250).octet(0x08, 0x20)),
            Verdict.FAIL,
            "does not have them"),
        prefix(
            "capability at the end of the standard space",
            request(endpoint().octet(0x34, 0xf0).dword(0xf0, 0x00920010).dword(0x114, 1 << 21)),
            Verdict.PASS,
            "needs no bridge"));
  }

  static List<Row> acs() {
    return List.of(
        acs("single function, ports not known", request(endpoint()), Verdict.UNKNOWN, "function 0"),
        acs(
            "isolated function, ports not known",
            request(withAcs(endpoint().multiFunction(), 0, 0)),
            Verdict.UNKNOWN,
            "ports above it are not known"),
        acs("single function", onRootBus(integrated()), Verdict.PASS, "only function"),
        acs(
            "multi-function without ACS",
            onRootBus(integrated().multiFunction()),
            Verdict.FAIL,
            "part of a multi-function device, has no ACS capability"),
        acs(
            "multi-function without ACS, ports not known",
            request(integrated().multiFunction()),
            Verdict.FAIL,
            "has no ACS capability"),
        acs(
            "function 1 without the bit",
            asFunction1(integrated()),
            Verdict.FAIL,
            "not function 0, has no ACS capability"),
        acs(
            "multi-function with ACS that has nothing to switch on",
            onRootBus(withAcs(integrated().multiFunction(), 0, 0)),
            Verdict.PASS,
            "control bits set that it advertises"),
        acs(
            "multi-function with ACS switched on",
            onRootBus(withAcs(integrated().multiFunction(), 0x5f, 0x1d)),
            Verdict.PASS,
            "control bits set that it advertises"),
        acs(
            "multi-function with ACS switched off",
            onRootBus(withAcs(integrated().multiFunction(), 0x5f, 0x04)),
            Verdict.FAIL,
            "advertises ACS bits 14 of which 10 are not set"),
        acs(
            "Intel's integrated endpoints are excepted",
            onRootBus(integrated().multiFunction().ids(INTEL, 0x0b25)),
            Verdict.PASS,
            "table of exceptions"),
        acs(
            "device of the table",
            onRootBus(integrated().multiFunction().ids(INTEL, 0x1521)),
            Verdict.PASS,
            "table of exceptions"),
        acs(
            "vendor whose entries look further",
            onRootBus(integrated().ids(0x8088, 0x2000)),
            Verdict.UNKNOWN,
            "table of ACS exceptions"),
        acs(
            "device of that vendor's entries",
            onRootBus(integrated().multiFunction().ids(0x8088, 0x0107)),
            Verdict.PASS,
            "table of exceptions"),
        acs(
            "Root Port with ACS off",
            below(endpoint(), port(ROOT_PORT)),
            Verdict.PASS,
            "the kernel sets the control bits"),
        acs(
            "Root Port without ACS",
            below(endpoint(), port(ROOT_PORT).dword(0x100, 0)),
            Verdict.FAIL,
            "Port 1 (1b36:000c) has no ACS capability"),
        acs(
            "Root Port without ACS of a vendor with exceptions",
            below(endpoint(), port(ROOT_PORT).dword(0x100, 0).ids(INTEL, 0x3420)),
            Verdict.UNKNOWN,
            "excepts some ports"),
        acs(
            "Root Port captured with 256 bytes",
            below(endpoint(), cutOffPort()),
            Verdict.UNKNOWN,
            "256 bytes only"),
        acs(
            "Downstream Port without ACS",
            below(
                endpoint(),
                port(DOWNSTREAM_PORT).dword(0x100, 0),
                port(UPSTREAM_PORT),
                port(ROOT_PORT)),
            Verdict.FAIL,
            "Port 1"),
        acs(
            "Upstream Port without ACS",
            below(
                endpoint(),
                port(DOWNSTREAM_PORT),
                port(UPSTREAM_PORT).dword(0x100, 0),
                port(ROOT_PORT)),
            Verdict.PASS,
            "Port 2 (1b36:000c) is the only function of its device"),
        acs(
            "bridge to PCI",
            below(endpoint(), port(EXPRESS_TO_PCI_BRIDGE), port(ROOT_PORT)),
            Verdict.FAIL,
            "never takes for isolated"),
        acs(
            "event collector",
            onRootBus(endpoint().type(EVENT_COLLECTOR)),
            Verdict.FAIL,
            "never takes for isolated"),
        acs("reserved type", onRootBus(endpoint().type(3)), Verdict.PASS, "lets pass"),
        acs("no PCI Express", onRootBus(endpoint().word(0x06, 0)), Verdict.FAIL, "no PCI Express"));
  }

  private static Row prefix(String what, PreflightRequest request, Verdict verdict, String says) {
    return new Row(what, request, CheckId.P19, verdict, says);
  }

  private static Row acs(String what, PreflightRequest request, Verdict verdict, String says) {
    return new Row(what, request, CheckId.P21, verdict, says);
  }

  @ParameterizedTest
  @MethodSource("prefixes")
  void prefixesAreWantedOfEveryPortAbove(Row row) {
    row.check();
  }

  @ParameterizedTest
  @MethodSource("acs")
  void isolationIsWantedOfEverythingUpToTheRootBus(Row row) {
    row.check();
  }

  @Test
  void evidenceNamesThePortThatDecides() {
    Check check =
        Preflight.of(below(endpoint(), port(ROOT_PORT).withoutPrefixes())).check(CheckId.P19);

    assertThat(check.evidence())
        .extracting(Evidence::toString)
        .containsExactly(
            "0x042 = 0002 (PCI Express Capabilities)",
            "0x064 = 00200000 (Device Capabilities 2)",
            "port 1 (1b36:000c): 0x042 = 0042 (PCI Express Capabilities)",
            "port 1 (1b36:000c): 0x064 = 00000000 (Device Capabilities 2)");
  }
}
