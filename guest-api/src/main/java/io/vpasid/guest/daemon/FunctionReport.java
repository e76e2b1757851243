package io.vpasid.guest.daemon;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonInclude.Include;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.vpasid.guest.config.FunctionConfig;
import io.vpasid.guest.report.Hex;
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

/// A function that is served, as `query-function` has it. Its offsets and words are those of
/// [Json], which is to write it.
///
/// @param quota most PASIDs that may be attached, if there is a limit
/// @param attachBeforeEnable PASIDs may be attached before the guest enables them
/// @param mailbox offset of the request mailbox, if it has one
/// @param bars sizes in bytes by the index
/// @param refusedWrites of the guest, to the PASID control register
/// @param peer the client that has the device
record FunctionReport(
    @JsonUnwrapped Brief brief,
    String source,
    String hwInfo,
    int pasidWidth,
    @JsonInclude(Include.ALWAYS) Optional<Integer> quota,
    boolean attachBeforeEnable,
    SynthesisReport placement,
    @JsonInclude(Include.ALWAYS) Optional<Hex> mailbox,
    Map<String, Long> bars,
    Registers registers,
    long refusedWrites,
    @JsonInclude(Include.ALWAYS) Optional<Peer> peer,
    PreflightReport preflight) {

  /// A function as `query-functions` has it.
  ///
  /// @param client a client has the device
  /// @param vpasid the capability's offset; empty if the guest sees none
  /// @param enabled the guest has enabled PASIDs
  /// @param attached number of attached PASIDs
  record Brief(
      String name,
      String address,
      String id,
      String socket,
      boolean client,
      @JsonInclude(Include.ALWAYS) Optional<Hex> vpasid,
      boolean enabled,
      int attached) {

    static Brief of(ServedFunction served) {
      PassthroughFunction function = served.function();
      return new Brief(
          served.name(),
          served.address().toString(),
          served.captured().id().toString(),
          served.config().socket().toString(),
          served.peer().isPresent(),
          synthesis(function).map(s -> new Hex(s.offset())),
          function.control().enabled(),
          function.attachments().count());
    }
  }

  /// The dwords of the PASID capability as the guest reads them now, and what they mean.
  record Registers(
      Optional<String> header,
      Optional<String> capabilityAndControl,
      boolean enabled,
      boolean exec,
      boolean priv) {

    private static Registers of(PassthroughFunction function) {
      PasidControl control = function.control();
      return new Registers(
          synthesis(function).map(s -> dword(function.readConfig(s.offset(), 4))),
          synthesis(function).map(s -> dword(function.readConfig(s.registers(), 4))),
          control.enabled(),
          control.exec(),
          control.priv());
    }
  }

  /// The process at the other end of the socket.
  record Peer(int uid, int pid) {
    static Peer of(VfioUserPeer peer) {
      return new Peer(peer.userId(), peer.processId());
    }
  }

  /// One line for people.
  static String summary(FunctionConfig config, HostFunction captured, SynthesisResult result) {
    String outcome =
        switch (result) {
          case Synthesis s -> "vPASID at " + Json.hex(s.offset());
          case SynthesisResult.Declined d -> "no vPASID: " + d.explanation();
        };
    return "%s: %s %s on %s, %s"
        .formatted(config.name(), captured.address(), captured.id(), config.socket(), outcome);
  }

  static FunctionReport of(ServedFunction served) {
    PassthroughFunction function = served.function();
    PasidLimits limits = function.attachments().limits();
    return new FunctionReport(
        Brief.of(served),
        served.config().source().toString(),
        function.hardware().toString(),
        limits.width(),
        Optional.of(limits.quota()).filter(quota -> quota != Integer.MAX_VALUE),
        served.config().whenDisabled() == PasidLimits.WhenDisabled.ALLOW,
        SynthesisReport.of(function.synthesis()),
        served.mailbox().map(RequestMailbox::offset).map(Hex::new),
        bars(served),
        Registers.of(function),
        function.refusedControlWrites(),
        served.peer().map(Peer::of),
        PreflightReport.of(preflight(served)));
  }

  private static Optional<Synthesis> synthesis(PassthroughFunction function) {
    return function.synthesis() instanceof Synthesis s ? Optional.of(s) : Optional.empty();
  }

  private static Map<String, Long> bars(ServedFunction served) {
    Map<String, Long> sizes = new LinkedHashMap<>();
    List<Region> regions = served.device().regions();
    for (int region = PciIndex.BAR0_REGION; region <= PciIndex.BAR5_REGION; region++) {
      long size = regions.get(region).size();
      if (size > 0) {
        sizes.put(String.valueOf(region - PciIndex.BAR0_REGION), size);
      }
    }
    return sizes;
  }

  private static String dword(int value) {
    return String.format(Locale.ROOT, "0x%08x", value);
  }

  private static Preflight preflight(ServedFunction served) {
    ConfigSpace view = served.function().guestView();
    return Preflight.of(
        PreflightRequest.of(
            view, served.config().kindOf(served.captured()), served.function().hardware()));
  }
}
