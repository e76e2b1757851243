package io.vpasid.guest.daemon;

import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.FunctionConfig;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.IommuConfig;
import io.vpasid.guest.config.TenantConfig;
import io.vpasid.guest.socket.SocketLoops;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.synth.quirk.QuirkTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/// All that a configuration names, read, and what would be served by it. A problem does not keep
/// the rest from being looked at.
///
/// @param functions one line for each function that would be served
/// @param tenants one line for each process of its own that would serve some of them
/// @param iommus one line for each virtual IOMMU
/// @param problems one line for each thing that [Daemon#start] would refuse, with its place
public record ConfigurationCheck(
    List<String> functions, List<String> tenants, List<String> iommus, List<String> problems) {

  public ConfigurationCheck {
    functions = List.copyOf(functions);
    tenants = List.copyOf(tenants);
    iommus = List.copyOf(iommus);
    problems = List.copyOf(problems);
  }

  /// Looks at a configuration. Nothing is opened and nothing made.
  ///
  /// @param text what `config` was read from
  /// @param isolated whether each tenant has a process, and a simulated host, for itself
  public static ConfigurationCheck of(DaemonConfig config, byte[] text, boolean isolated) {
    Progress check = new Progress(config, isolated);
    check.socket(config.control(), Optional.empty(), config::wrongControl);
    config
        .metricsSocket()
        .ifPresent(path -> check.socket(path, Optional.empty(), config::wrongMetrics));
    check.functions();
    check.iommus();
    if (isolated) {
      check.tenants(text);
    }
    return new ConfigurationCheck(check.functions, check.tenants, check.iommus, check.problems);
  }

  /// True if the daemon would start with it, as far as that can be told.
  public boolean isGood() {
    return problems.isEmpty();
  }

  private static final class Progress {
    final DaemonConfig config;
    private final boolean isolated;
    final List<String> functions = new ArrayList<>();
    final List<String> tenants = new ArrayList<>();
    final List<String> iommus = new ArrayList<>();
    final List<String> problems = new ArrayList<>();
    private final Set<Path> sockets = new HashSet<>();
    private final Set<Path> missing = new HashSet<>();

    Progress(DaemonConfig config, boolean isolated) {
      this.config = config;
      this.isolated = isolated;
    }

    void tenants(byte[] text) {
      try {
        tenants.addAll(IsolatedDaemon.check(text, config));
      } catch (InputException | JsonFileException e) {
        add(e);
      }
    }

    /// @param function whose it is; empty for one that the process itself makes, even if isolated
    void socket(
        Path path, Optional<FunctionConfig> function, Function<String, JsonFileException> wrong) {
      if (!sockets.add(path)) {
        add(wrong.apply(path + " is the path of another socket already; choose another"));
      }
      Path folder = path.getParent();
      if (folder != null && !Files.exists(folder) && !missing.add(folder)) {
        return; // it is said once
      }
      try {
        Optional<TenantConfig> other = function.flatMap(this::tenantOfAnotherUser);
        if (other.isPresent()) {
          SocketLoops.checkFolder(path, other.get().user().orElseThrow(), other.get().group());
        } else {
          SocketLoops.checkFolder(path);
        }
      } catch (IOException e) {
        add(wrong.apply(String.valueOf(e.getMessage())));
      }
    }

    /// The tenant in whose process a function is served, if that process is another user's.
    private Optional<TenantConfig> tenantOfAnotherUser(FunctionConfig function) {
      return config.tenants().stream()
          .filter(one -> isolated && one.name().equals(function.tenant()))
          .filter(one -> one.user().isPresent())
          .findFirst();
    }

    private void add(RuntimeException problem) {
      problems.add(String.valueOf(problem.getMessage()));
    }

    void functions() {
      QuirkTable quirks;
      try {
        quirks = DaemonQuirks.read(config);
      } catch (InputException | JsonFileException e) {
        add(e);
        quirks = QuirkTable.installed();
      }
      Map<String, Map<PciAddress, String>> served = new HashMap<>();
      for (FunctionConfig function : config.functions()) {
        socket(function.socket(), Optional.of(function), function::wrongSocket);
        try {
          String host = isolated ? function.tenant() : "";
          functions.add(
              function(function, quirks, served.computeIfAbsent(host, _ -> new HashMap<>())));
        } catch (InputException | JsonFileException e) {
          add(e);
        }
      }
    }

    /// @param served the functions of its host so far, with the names under which they are served
    private static String function(
        FunctionConfig function, QuirkTable quirks, Map<PciAddress, String> served) {
      HostFunction captured = function.read().captured();
      String other = served.putIfAbsent(captured.address(), function.name());
      if (other != null && function.ownHost().isEmpty()) {
        throw function.servedAlready(captured.address(), other);
      }
      String summary =
          FunctionReport.summary(
              function, captured, function.synthesize(captured, quirks, function.hardware()));
      return function.passthrough()
          ? summary + ", if IOMMU_GET_HW_INFO reports " + function.hardware()
          : summary;
    }

    void iommus() {
      for (IommuConfig iommu : config.iommus()) {
        List<FunctionConfig> covered =
            config.functions().stream().filter(f -> iommu.covers().containsKey(f.name())).toList();
        socket(
            iommu.socket(),
            covered.stream().findFirst(),
            problem -> config.wrongSocket(iommu, problem));
        if (covered.stream().map(Progress::host).distinct().count() > 1) {
          add(config.wrongCovers(iommu, ServedIommu.onDifferentHosts(iommu)));
        }
        iommus.add(
            "iommu %s on %s, %s, covers %s"
                .formatted(
                    iommu.name(),
                    iommu.socket(),
                    iommu
                        .mode()
                        .map(mode -> mode.name().toLowerCase(Locale.ROOT))
                        .orElse("nested if the host can"),
                    iommu.covers().entrySet().stream()
                        .map(its -> its.getKey() + " at " + IommuConfig.text(its.getValue()))
                        .collect(Collectors.joining(", "))));
      }
    }

    /// The host of a function: this machine's kernel, a simulated one of its own, or the daemon's.
    private static String host(FunctionConfig function) {
      return function.passthrough()
          ? "kernel"
          : function.ownHost().isPresent() ? "of " + function.name() : "";
    }
  }
}
