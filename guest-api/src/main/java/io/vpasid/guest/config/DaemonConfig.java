package io.vpasid.guest.config;

import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.JsonFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The configuration of a daemon: what it is to serve, and to whom.
///
/// @param folder where relative paths start
/// @param control where the control socket is created
/// @param maxClients most clients of the control socket at the same time
/// @param access who may connect to the sockets, but for functions that say it themselves and for
///   the control socket
/// @param controlAccess who may do everything on the control socket
/// @param controlReaders ids of further users who may only look there
/// @param metricsSocket where the socket for metrics is created; empty for none
/// @param metricsPort the port on 127.0.0.1 for Prometheus, 0 for any that is free; empty for none
/// @param pagePort the port on 127.0.0.1 for the page, 0 for any that is free; empty for none
/// @param log how to log
/// @param quirks quirk files and folders on top of the installed ones, in layers
/// @param hardware what IOMMU_GET_HW_INFO reports of functions that do not say it themselves
/// @param functions what is served from the start
/// @param addressSpaces what guests may use from the start, with handles from 1 in this order
/// @param limits most that clients may take
/// @param busyPoll how long a thread that serves functions looks for the next message before it
///   sleeps
/// @param iommus virtual IOMMUs for some of the functions
/// @param tenants what is special about the processes of some tenants
/// @param written the object that says all this, for messages that name the place in it
public record DaemonConfig(
    Path folder,
    Path control,
    int maxClients,
    SocketAccess access,
    SocketAccess controlAccess,
    Set<Integer> controlReaders,
    Optional<Path> metricsSocket,
    Optional<Integer> metricsPort,
    Optional<Integer> pagePort,
    LogStyle log,
    List<Path> quirks,
    HardwareInfo hardware,
    List<FunctionConfig> functions,
    List<AddressSpaceConfig> addressSpaces,
    Limits limits,
    Duration busyPoll,
    List<IommuConfig> iommus,
    List<TenantConfig> tenants,
    Fields written) {

  /// Keeps copies.
  public DaemonConfig {
    controlReaders = Set.copyOf(controlReaders);
    quirks = List.copyOf(quirks);
    functions = List.copyOf(functions);
    addressSpaces = List.copyOf(addressSpaces);
    iommus = List.copyOf(iommus);
    tenants = List.copyOf(tenants);
  }

  /// For the control socket, if it cannot be where it is to be.
  public JsonFileException wrongControl(String problem) {
    return written
        .find(DaemonConfigShape.CONTROL)
        .map(its -> its.wrong(DaemonConfigShape.CONTROL_SOCKET, "control socket: " + problem))
        .orElseGet(() -> written.wrong("control socket: " + problem));
  }

  /// For the socket of the metrics, likewise.
  public JsonFileException wrongMetrics(String problem) {
    return written
        .find(DaemonConfigShape.METRICS)
        .map(its -> its.wrong(DaemonConfigShape.METRICS_SOCKET, "metrics: " + problem))
        .orElseGet(() -> written.wrong("metrics: " + problem));
  }

  /// For the quirk files.
  public JsonFileException wrongQuirks(String problem) {
    return written.wrong(DaemonConfigShape.QUIRKS, problem);
  }

  /// For the socket of one of [#iommus].
  public JsonFileException wrongSocket(IommuConfig iommu, String problem) {
    return written(iommu).wrong(DaemonConfigShape.IOMMU_SOCKET, subject(iommu) + problem);
  }

  /// For what one of [#iommus] covers.
  public JsonFileException wrongCovers(IommuConfig iommu, String problem) {
    return written(iommu).wrong(DaemonConfigShape.COVERS, subject(iommu) + problem);
  }

  private Fields written(IommuConfig iommu) {
    return written.get(DaemonConfigShape.IOMMU).get(iommus.indexOf(iommu));
  }

  private static String subject(IommuConfig iommu) {
    return "iommu '" + iommu.name() + "': ";
  }

  /// Reads a configuration file.
  ///
  /// @throws io.vpasid.synth.json.JsonFileException if it cannot be read or is wrong
  public static DaemonConfig read(Path file) {
    return DaemonConfigReader.read(file);
  }

  /// Reads a configuration that is there already.
  ///
  /// @param text in UTF-8
  /// @param file where it comes from: what messages call it, and where relative paths start
  /// @throws io.vpasid.synth.json.JsonFileException if it is wrong
  public static DaemonConfig of(byte[] text, Path file) {
    return DaemonConfigReader.read(text, file.toString(), DaemonConfigReader.folderOf(file));
  }

  /// Reads a part of a configuration, whose lines are not those of the file.
  ///
  /// @param text in UTF-8
  /// @param file what it is a part of: where relative paths start
  /// @throws io.vpasid.synth.json.JsonFileException if it is wrong
  public static DaemonConfig ofPart(byte[] text, Path file) {
    return DaemonConfigReader.read(
        text, "a tenant's part of " + file, DaemonConfigReader.folderOf(file));
  }
}
