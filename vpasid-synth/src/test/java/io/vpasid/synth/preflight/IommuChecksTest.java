package io.vpasid.synth.preflight;

import static io.vpasid.synth.preflight.FunctionBytes.ROOT_PORT;
import static io.vpasid.synth.preflight.FunctionBytes.endpoint;
import static io.vpasid.synth.preflight.FunctionBytes.integrated;
import static io.vpasid.synth.preflight.FunctionBytes.port;
import static io.vpasid.synth.preflight.Row.IOMMU;
import static io.vpasid.synth.preflight.Row.below;
import static io.vpasid.synth.preflight.Row.onRootBus;
import static io.vpasid.synth.preflight.Row.request;

import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.quirk.FunctionKind;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class IommuChecksTest {
  private static final long FSTS = 1L << 47;
  private static final long SSTS = 1L << 46;
  private static final long SMTS = 1L << 43;
  private static final long PDS = 1L << 42;
  private static final long PASID = 1L << 40;
  private static final long DT = 1L << 2;

  private static final int SAGAW_48 = 1 << 10;
  private static final int SAGAW_57 = 1 << 11;
  private static final int SAGAW_64 = 1 << 12;
  private static final long FS5LP = 1L << 60;

  private static PreflightRequest behind(long cap, long ecap) {
    return onRootBus(integrated()).behind(new IommuRegisters(cap, ecap));
  }

  private static PreflightRequest without(long bit) {
    return behind(IOMMU.cap(), IOMMU.ecap() & ~bit);
  }

  private static PreflightRequest complete(FunctionBytes bytes) {
    return onRootBus(bytes).behind(IOMMU);
  }

  private static PreflightRequest withoutAtsOnTheHost(FunctionBytes bytes) {
    return PreflightRequest.of(
        bytes.space(), FunctionKind.PHYSICAL, HardwareInfo.parse("width=20,priv,no-ats"));
  }

  private static PreflightRequest virtual(FunctionBytes bytes, FunctionBytes physical) {
    return PreflightRequest.of(bytes.space(), FunctionKind.VIRTUAL, Row.HOST)
        .withPhysicalFunction(physical.space());
  }

  private static FunctionBytes withoutAts(FunctionBytes bytes) {
    return bytes.extended(0x100, 0x0001, 0x160);
  }

  /// One that passes extended space on, at 266 MHz.
  private static FunctionBytes pciXBridge() {
    return port(ROOT_PORT).dword(0x40, 0x07).dword(0x44, 1 << 30);
  }

  static List<Row> unit() {
    return List.of(
        unit("nothing known", request(integrated()), Verdict.UNKNOWN, "DMAR"),
        unit("registers in order", behind(IOMMU.cap(), IOMMU.ecap()), Verdict.UNKNOWN, "DMAR"),
        unit("no width, no scalable mode", behind(0, 0), Verdict.FAIL, "no address width"),
        unit(
            "no width, second stage in scalable mode",
            behind(0, SMTS | SSTS | FSTS),
            Verdict.FAIL,
            "no address width"),
        unit("no width, first stage only", behind(0, SMTS | FSTS), Verdict.UNKNOWN, "DMAR"),
        unit("no width, no stage", behind(0, SMTS), Verdict.FAIL, "no address width"),
        unit("64 bits only", behind(SAGAW_64, 0), Verdict.FAIL, "no address width"),
        unit("48 bits in legacy mode", behind(SAGAW_48, 0), Verdict.UNKNOWN, "DMAR"),
        unit(
            "stages without a common width",
            behind(SAGAW_57, SMTS | SSTS | FSTS),
            Verdict.FAIL,
            "no address width"),
        unit(
            "stages with five levels",
            behind(SAGAW_57 | FS5LP, SMTS | SSTS | FSTS),
            Verdict.UNKNOWN,
            "DMAR"));
  }

  static List<Row> registers() {
    return List.of(
        row("not known", request(integrated()), CheckId.P14, Verdict.UNKNOWN, "not known"),
        row("set", complete(integrated()), CheckId.P14, Verdict.PASS, "has it"),
        row("clear", without(SMTS), CheckId.P14, Verdict.FAIL, "bit 43 is 0"),
        row("not known", request(integrated()), CheckId.P15, Verdict.UNKNOWN, "not known"),
        row("set", complete(integrated()), CheckId.P15, Verdict.PASS, "20 bits"),
        row("clear", without(PASID), CheckId.P15, Verdict.FAIL, "bit 40 is 0"),
        row("ATS", request(integrated()), CheckId.P16, Verdict.PASS, "4 KiB"),
        row(
            "no ATS",
            request(withoutAts(integrated())),
            CheckId.P16,
            Verdict.PASS,
            "nothing to prepare"),
        row(
            "virtual function, ATS on both",
            virtual(endpoint(), integrated()),
            CheckId.P16,
            Verdict.PASS,
            "same translation unit"),
        row(
            "virtual function, ATS on it only",
            virtual(endpoint(), withoutAts(integrated())),
            CheckId.P16,
            Verdict.FAIL,
            "gives it no IOMMU"));
  }

  static List<Row> atsAndPri() {
    return List.of(
        ats("all in order", complete(integrated()), Verdict.PASS, "asks for no more"),
        ats("no capability", complete(withoutAts(integrated())), Verdict.NOT_APPLICABLE, "no ATS"),
        ats("IOMMU not known", onRootBus(integrated()), Verdict.UNKNOWN, "IOMMU is not known"),
        ats("ports not known", request(integrated()).behind(IOMMU), Verdict.UNKNOWN, "ports above"),
        ats("requests not aligned", complete(integrated().word(0x154, 0)), Verdict.FAIL, "bit 5"),
        ats("not on the host", withoutAtsOnTheHost(integrated()), Verdict.FAIL, "host says"),
        ats("no device TLBs", without(DT), Verdict.FAIL, "bit 2 is 0"),
        ats(
            "below a Root Port",
            below(endpoint(), port(ROOT_PORT)).behind(IOMMU),
            Verdict.UNKNOWN,
            "ATSR"),
        ats(
            "below a PCI-X bridge",
            below(endpoint(), pciXBridge(), port(ROOT_PORT)).behind(IOMMU),
            Verdict.FAIL,
            "does not go through port 1"),
        pri("all in order", complete(integrated()), Verdict.PASS, "ATS is on"),
        pri(
            "no capability",
            complete(integrated().extended(0x150, 0x000f, 0x170)),
            Verdict.NOT_APPLICABLE,
            "no PRI"),
        pri("IOMMU not known", onRootBus(integrated()), Verdict.UNKNOWN, "open"),
        pri(
            "responses without PASID",
            complete(integrated().word(0x166, 0x0100)),
            Verdict.FAIL,
            "bit 15 is 0"),
        pri(
            "not stopped",
            complete(integrated().word(0x166, 0x8000)),
            Verdict.FAIL,
            "bit 8 (Stopped) is 0"),
        pri("no drain", without(PDS), Verdict.FAIL, "bits 29"),
        pri("ATS fails", without(DT), Verdict.FAIL, "need ATS"),
        pri("no ATS", complete(withoutAts(integrated())), Verdict.FAIL, "need ATS"),
        pri(
            "of the physical function",
            virtual(endpoint(), integrated().word(0x166, 0x8000)),
            Verdict.FAIL,
            "On the physical function: page Request Status bit 8"));
  }

  /// ECAP of QEMU 11.1.3's intel-iommu with svm=on.
  private static final long QEMU_ECAP = 0x8d9a20f00f5eL;

  private static final long SMPWC = 1L << 48;
  private static final long FS1GP = 1L << 56;

  static List<Row> sva() {
    return List.of(
        sva("no IOMMU", onRootBus(integrated()), Verdict.UNKNOWN, "not known"),
        sva("QEMU", behind(SAGAW_48, QEMU_ECAP), Verdict.FAIL, "though it enables PASIDs"),
        sva("no PASIDs", behind(SAGAW_48, 0), Verdict.FAIL, "no PASIDs"),
        sva(
            "CPU decides",
            behind(SAGAW_48, QEMU_ECAP | SMPWC),
            Verdict.UNKNOWN,
            "no 1 GiB pages (CAP bit 56), which a CPU with pdpe1gb asks for, and no 5 levels"),
        sva(
            "5 levels open",
            behind(SAGAW_48 | FS1GP, QEMU_ECAP | SMPWC),
            Verdict.UNKNOWN,
            "has no 5 levels"),
        sva(
            "all",
            behind(SAGAW_48 | FS1GP | FS5LP, QEMU_ECAP | SMPWC),
            Verdict.PASS,
            "on any CPU"));
  }

  private static Row sva(String what, PreflightRequest request, Verdict verdict, String says) {
    return row(what, request, CheckId.P25, verdict, says);
  }

  @ParameterizedTest
  @MethodSource("sva")
  void svaTakesMoreThanPasids(Row row) {
    row.check();
  }

  private static Row row(
      String what, PreflightRequest request, CheckId id, Verdict verdict, String says) {
    return new Row(what, request, id, verdict, says);
  }

  private static Row unit(String what, PreflightRequest request, Verdict verdict, String says) {
    return row(what, request, CheckId.P13, verdict, says);
  }

  private static Row ats(String what, PreflightRequest request, Verdict verdict, String says) {
    return row(what, request, CheckId.P23, verdict, says);
  }

  private static Row pri(String what, PreflightRequest request, Verdict verdict, String says) {
    return row(what, request, CheckId.P24, verdict, says);
  }

  @ParameterizedTest
  @MethodSource("unit")
  void unitWithoutAUsableWidthIsIgnored(Row row) {
    row.check();
  }

  @ParameterizedTest
  @MethodSource("registers")
  void registersOfTheIommuDecide(Row row) {
    row.check();
  }

  @ParameterizedTest
  @MethodSource("atsAndPri")
  void atsAndPriComeBehindPasids(Row row) {
    row.check();
  }
}
