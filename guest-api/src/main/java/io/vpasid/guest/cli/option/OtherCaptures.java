package io.vpasid.guest.cli.option;

import io.vpasid.guest.config.FoundFunction;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.Unread;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Anomaly;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.dump.Dump;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Captures of the same devices in other power states or on other machines, as `--also` names them.
final class OtherCaptures {
  /// The functions of one file.
  private record OtherFile(Path path, List<HostFunction> functions) {}

  private final List<OtherFile> files = new ArrayList<>();

  /// Functions of the files of which rows are missing or damaged, which tell nothing.
  private final List<Unread> leftOut = new ArrayList<>();

  /// Reads the files.
  ///
  /// @throws io.vpasid.pci.dump.DumpException if one is no dump
  OtherCaptures(List<Path> paths) {
    for (Path path : paths) {
      Dump dump = Dumps.open(path, Optional.empty());
      files.add(new OtherFile(path, dump.whole()));
      dump.incomplete().stream().map(Unread::of).forEach(leftOut::add);
    }
  }

  List<Unread> leftOut() {
    return leftOut;
  }

  /// The extended spaces that were captured of functions with the same vendor and device id.
  List<ConfigSpace> of(HostFunction function) {
    List<ConfigSpace> captures = new ArrayList<>();
    for (OtherFile file : files) {
      for (HostFunction other : file.functions) {
        if (other.id().equals(function.id()) && tellsSomething(other.config())) {
          captures.add(other.config());
        }
      }
    }
    return captures;
  }

  /// Makes sure that each file tells something of one of `functions`.
  ///
  /// @throws InputException if one does not
  void requireAbout(List<FoundFunction> functions) {
    for (OtherFile file : files) {
      List<HostFunction> same =
          file.functions.stream()
              .filter(o -> functions.stream().anyMatch(f -> f.captured().id().equals(o.id())))
              .toList();
      if (same.isEmpty()) {
        throw new InputException(
            file.path + ": has no function with the ids of one that it is to be compared with");
      }
      if (same.stream().noneMatch(o -> tellsSomething(o.config()))) {
        throw new InputException(
            "%s: shows nothing above 0x100 of %s; capture it as root with lspci -xxxx while the device is awake"
                .formatted(file.path, same.getFirst().id()));
      }
    }
  }

  private static boolean tellsSomething(ConfigSpace config) {
    return config.isExtended()
        && CapabilityChain.walk(config).find(Anomaly.Kind.UNREADABLE).isEmpty();
  }
}
