package io.vpasid.guest.config;

import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.DumpException;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.FurtherCapability;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PlacementPolicy;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.synth.json.Key;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.synth.quirk.QuirkTable;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.frontend.mailbox.RequestMailbox;
import io.vpasid.vmm.pasid.PasidLimits.WhenDisabled;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// One function of the configuration, or of the control command `function-add`.
///
/// @param name what it is called on the control socket, in logs and metrics; unique
/// @param source a dump, a description (`FILE.json`), or an address of this machine
/// @param passthrough whether the function at that address is passed through by VFIO and iommufd;
///   if not, what is read there is emulated
/// @param address which function of the dump; empty if it has only one
/// @param socket where it is served
/// @param hardware what IOMMU_GET_HW_INFO reports of it
/// @param quota how many of its PASIDs may be attached at the same time
/// @param virtual whether it is an SR-IOV virtual function; empty if its id registers tell
/// @param policy wishes for the placement
/// @param whenDisabled what becomes of attach requests while the guest has not enabled PASIDs
/// @param mailbox whether its guest may ask for attachments through the request mailbox
/// @param bars the sizes of BARs that the source does not tell
/// @param ownHost the simulated host that it has for itself; empty if it shares that of the daemon
/// @param quirks files of quirks that count for it besides those built in; empty if the daemon's
///   table does
/// @param access who may connect to its socket
/// @param tenant whose it is: with those of the same tenant it may share a process
/// @param written the object that says all this, for messages that name the place in it
public record FunctionConfig(
    String name,
    Path source,
    boolean passthrough,
    Optional<PciAddress> address,
    Path socket,
    HardwareInfo hardware,
    int quota,
    Optional<Boolean> virtual,
    PlacementPolicy policy,
    WhenDisabled whenDisabled,
    boolean mailbox,
    BarSizes bars,
    Optional<OwnHost> ownHost,
    Optional<List<Path>> quirks,
    SocketAccess access,
    String tenant,
    Fields written) {

  /// The address of this machine that the source is; empty if it is no address.
  Optional<PciAddress> ofMachine() {
    return PciAddress.parse(String.valueOf(source.getFileName()));
  }

  /// Reads what is known of the function.
  ///
  /// @throws io.vpasid.synth.json.JsonFileException if a description cannot be read; or, with the
  ///   place in the configuration, if a dump or an address cannot, if it has not exactly one
  ///   function that could be meant, or that function other BARs
  public FunctionDescription read() {
    requireFile(FunctionKeys.SOURCE, source);
    FunctionSource reader = new FunctionSource();
    Optional<PciAddress> ofMachine = ofMachine();
    Key<?> key = FunctionKeys.SOURCE;
    try {
      FoundFunction found;
      if (ofMachine.isPresent() && (passthrough || !Files.exists(source))) {
        found = reader.ofMachine(ofMachine.get());
      } else {
        FoundFunctions all = reader.read(source.toString());
        key = address.isPresent() ? FunctionKeys.ADDRESS : FunctionKeys.SOURCE;
        found = all.only(source.toString(), address, "\"address\"");
      }
      key = FunctionKeys.BARS;
      return found.describe(bars);
    } catch (IllegalArgumentException e) {
      throw wrong(key, source + ": " + e.getMessage());
    } catch (InputException | DumpException e) {
      throw wrong(key, String.valueOf(e.getMessage()));
    }
  }

  /// For a function that cannot be served as it was written.
  ///
  /// @param key the key that is wrong
  JsonFileException wrong(Key<?> key, String problem) {
    return written.wrong(key, "function '" + name + "': " + problem);
  }

  /// For a function that another one is.
  ///
  /// @param other the name of the other one
  public JsonFileException servedAlready(PciAddress served, String other) {
    return wrong(
        address.isPresent() ? FunctionKeys.ADDRESS : FunctionKeys.SOURCE,
        served + " is served already, as '" + other + "'");
  }

  /// For a socket that cannot be where it is to be.
  public JsonFileException wrongSocket(String problem) {
    return wrong(FunctionKeys.SOCKET, problem);
  }

  /// A pipe would have whoever reads it wait for somebody who writes it.
  private void requireFile(Key<?> key, Path path) {
    if (Files.exists(path) && !Files.isRegularFile(path) && !Files.isDirectory(path)) {
      throw wrong(key, path + " is no file, but a pipe or a device");
    }
  }

  public FunctionKind kindOf(HostFunction captured) {
    return virtual
        .map(isVirtual -> isVirtual ? FunctionKind.VIRTUAL : FunctionKind.PHYSICAL)
        .orElseGet(() -> FunctionKind.of(captured));
  }

  /// The options with which the function is opened.
  ///
  /// @param daemons the daemon's table of quirks
  /// @throws io.vpasid.synth.json.JsonFileException if the function has quirk files of its own and
  ///   one is bad
  public FunctionOptions options(HostFunction captured, QuirkTable daemons) {
    return new FunctionOptions(
        kindOf(captured), table(daemons), policy, List.of(), quota, whenDisabled, further());
  }

  /// The synthesis for it with certain quirks.
  ///
  /// @param daemons the daemon's table of quirks
  /// @throws io.vpasid.synth.json.JsonFileException if the function has quirk files of its own and
  ///   one is bad
  public SynthesisResult synthesize(
      HostFunction captured, QuirkTable daemons, HardwareInfo reported) {
    return Synthesizer.synthesize(
        new SynthesisRequest(
            VfioView.of(captured.config(), captured.id()),
            kindOf(captured),
            reported,
            table(daemons),
            policy,
            List.of(),
            further()));
  }

  /// The quirks that count for it.
  ///
  /// @param daemons the daemon's table
  /// @throws io.vpasid.synth.json.JsonFileException if it has quirk files of its own and one is bad
  public QuirkTable table(QuirkTable daemons) {
    if (quirks.isEmpty()) {
      return daemons;
    }
    QuirkTable table = QuirkTable.builtIn();
    for (Path file : quirks.get()) {
      requireFile(FunctionKeys.QUIRKS, file);
      try {
        table = table.with(file, QuirkTable.COMMAND_LINE);
      } catch (JsonFileException e) {
        // One that is not there is named where the configuration names it.
        throw e.line() > 0 ? e : wrong(FunctionKeys.QUIRKS, String.valueOf(e.getMessage()));
      }
    }
    return table;
  }

  /// The capabilities that the guest is shown besides the vPASID.
  public List<FurtherCapability> further() {
    return mailbox ? List.of(RequestMailbox.capability(RequestMailbox.DEFAULT_VENDOR)) : List.of();
  }
}
