package io.vpasid.guest.config;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.synth.PasidCapability;
import io.vpasid.synth.json.Form;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.vmm.iommufd.simulated.IommuProfile;
import io.vpasid.vmm.iommufd.simulated.KernelVersion;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// Forms in which files name functions, places in them, releases of Linux and IOMMUs: the same in
/// each kind of file.
public final class MachineForms {
  private static final int LAST_OFFSET = ConfigSpace.EXTENDED_SIZE - PasidCapability.LENGTH;

  private MachineForms() {}

  /// The address of a function.
  ///
  /// @param text reads what is written
  public static Form<PciAddress> address(Form<String> text, String example) {
    return parsed(text, PciAddress::parse, "an address such as \"" + example + '"')
        .with("examples", List.of(example));
  }

  /// Likewise, as a string.
  static Form<PciAddress> address(String example) {
    return address(Form.string("an address such as \"" + example + '"'), example)
        .with("pattern", "^([0-9a-fA-F]{1,8}:)?[0-9a-fA-F]{1,2}:[0-9a-fA-F]{1,2}\\.[0-7]$");
  }

  /// A release of Linux.
  ///
  /// @param text reads what is written
  public static Form<KernelVersion> kernel(Form<String> text) {
    return parsed(text, KernelVersion::parse, "a release of Linux such as \"7.3\"")
        .with("examples", List.of("6.14"));
  }

  /// An IOMMU that can be simulated.
  public static Form<IommuProfile> iommu() {
    return Form.word(IommuProfile.names(), Function.identity())
        .map(name -> IommuProfile.named(name).orElseThrow());
  }

  /// The offset of a vPASID.
  ///
  /// @param number reads what is written
  public static Form<Integer> capabilityOffset(Form<Integer> number) {
    return number.check((offset, json, what) -> {
      if (offset % 4 != 0 || offset < ConfigSpace.STANDARD_SIZE || offset > LAST_OFFSET) {
        throw json.wrong(
            "%s must be a multiple of 4 from 0x%x to 0x%x"
                .formatted(what, ConfigSpace.STANDARD_SIZE, LAST_OFFSET));
      }
      return offset;
    });
  }

  /// A string in which something can be found.
  ///
  /// @param form what it has to be, for the message
  private static <T> Form<T> parsed(
      Form<String> string, Function<String, Optional<T>> parse, String form) {
    return string.check((text, json, what) ->
        parse
            .apply(text)
            .orElseThrow(
                () -> json.wrong(what + " must be " + form + ", not " + JsonCursor.quote(text))));
  }
}
