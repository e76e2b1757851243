package io.vpasid.guest.daemon;

import io.vpasid.guest.config.FunctionConfig;
import io.vpasid.guest.report.Json;
import io.vpasid.guest.report.PreflightReport;
import io.vpasid.guest.report.SynthesisReport;
import io.vpasid.guest.vfiouser.VfioUserPeer;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.preflight.Preflight;
import io.vpasid.synth.preflight.PreflightRequest;
import io.vpasid.vmm.PasidControl;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.mailbox.RequestMailbox;
import io.vpasid.vmm.pasid.PasidLimits;
import io.vpasid.vmm.vfio.PciIndex;
import io.vpasid.vmm.vfio.Region;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// A function that is served, in words and as JSON.
final class FunctionReport {
  private FunctionReport() {}

  /// One line for people.
  static String summary(FunctionConfig config, HostFunction captured, SynthesisResult result) {
    return config.name()
        + ": "
        + captured.address()
        + " "
        + captured.id()
        + " on "
        + config.socket()
        + ", "
        + switch (result) {
          case Synthesis s -> "vPASID at " + Json.hex(s.offset());
          case SynthesisResult.Declined d -> "no vPASID: " + d.explanation();
        };
  }

  /// A function as `query-functions` has it.
  static Map<String, Object> brief(ServedFunction served) {
    PassthroughFunction function = served.function();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", served.name());
    json.put("address", served.address().toString());
    json.put("id", served.captured().id().toString());
    json.put("socket", served.config().socket().toString());
    json.put("client", served.peer().isPresent());
    json.put("vpasid", offset(function.synthesis()).map(Json::hex).orElse(null));
    json.put("enabled", function.control().enabled());
    json.put("attached", function.attachments().count());
    return json;
  }

  /// A function as `query-function` has it.
  static Map<String, Object> full(ServedFunction served) {
    PassthroughFunction function = served.function();
    Map<String, Object> json = brief(served);
    json.put("source", served.config().source().toString());
    json.put("hwInfo", function.hardware().toString());
    json.put("pasidWidth", function.attachments().limits().width());
    int quota = function.attachments().limits().quota();
    json.put("quota", quota == Integer.MAX_VALUE ? null : quota);
    json.put(
        "attachBeforeEnable", served.config().whenDisabled() == PasidLimits.WhenDisabled.ALLOW);
    json.put("placement", Json.tree(SynthesisReport.of(function.synthesis())));
    json.put("mailbox", served.mailbox().map(RequestMailbox::offset).map(Json::hex).orElse(null));
    json.put("bars", bars(served));
    json.put("registers", registers(function));
    json.put("refusedWrites", function.refusedControlWrites());
    json.put("peer", served.peer().map(FunctionReport::peer).orElse(null));
    json.put("preflight", Json.tree(PreflightReport.of(preflight(served))));
    return json;
  }

  private static Optional<Integer> offset(SynthesisResult result) {
    return switch (result) {
      case Synthesis s -> Optional.of(s.offset());
      case SynthesisResult.Declined _ -> Optional.empty();
    };
  }

  /// The dwords of the PASID capability as the guest reads them now, and what they mean.
  private static Map<String, Object> registers(PassthroughFunction function) {
    Map<String, Object> json = new LinkedHashMap<>();
    if (function.synthesis() instanceof Synthesis s) {
      json.put("header", dword(function.readConfig(s.offset(), 4)));
      json.put("capabilityAndControl", dword(function.readConfig(s.registers(), 4)));
    }
    PasidControl control = function.control();
    json.put("enabled", control.enabled());
    json.put("exec", control.exec());
    json.put("priv", control.priv());
    return json;
  }

  /// Sizes in bytes by the index.
  private static Map<String, Object> bars(ServedFunction served) {
    Map<String, Object> json = new LinkedHashMap<>();
    List<Region> regions = served.device().regions();
    for (int region = PciIndex.BAR0_REGION; region <= PciIndex.BAR5_REGION; region++) {
      long size = regions.get(region).size();
      if (size > 0) {
        json.put(String.valueOf(region - PciIndex.BAR0_REGION), size);
      }
    }
    return json;
  }

  private static String dword(int value) {
    return String.format(Locale.ROOT, "0x%08x", value);
  }

  private static Map<String, Object> peer(VfioUserPeer peer) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("uid", peer.userId());
    json.put("pid", peer.processId());
    return json;
  }

  private static Preflight preflight(ServedFunction served) {
    ConfigSpace view = served.function().guestView();
    return Preflight.of(
        PreflightRequest.of(
            view, served.config().kindOf(served.captured()), served.function().hardware()));
  }
}
