package io.vpasid.guest.report;

import com.fasterxml.jackson.annotation.JsonIgnore;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.IncompleteFunction;
import io.vpasid.synth.json.Unprintable;

/// Where a function was read.
///
/// @param file the file's name, as it was given; empty if there is none
/// @param line the function's first line in it, from 1; 0 where there are no lines
/// @param folder what stands above the functions of one file in a list: the file's name; of
///   functions of a machine the folder that has a folder for each
public record Origin(String file, int line, @JsonIgnore String folder) {

  public static Origin of(HostFunction function) {
    return of(function.source(), function.line(), function.address());
  }

  public static Origin of(IncompleteFunction function) {
    return of(function.source(), function.line(), function.address());
  }

  private static Origin of(String file, int line, PciAddress address) {
    String ofMachine = "/" + address + "/config";
    return new Origin(
        file,
        line,
        file.endsWith(ofMachine)
            ? file.substring(0, file.length() - ofMachine.length())
            : Unprintable.marked(file));
  }
}
