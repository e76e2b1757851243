package io.vpasid.vmm.iommufd.simulated;

import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A Linux release, for what changed in iommufd since PASIDs came to it.
///
/// | release | what is different from there on |
/// |---|---|
/// | 6.15 | the attach and detach requests take PASIDs; GET_HW_INFO tells their width |
/// | 7.0 | attaching while a function is being reset fails with EBUSY |
///
/// @param major as in 7 of 7.3
/// @param minor as in 3 of 7.3
public record KernelVersion(int major, int minor) implements Comparable<KernelVersion> {
  /// The release that is simulated unless another one is asked for.
  public static final KernelVersion LINUX_7_3 = new KernelVersion(7, 3);

  private static final KernelVersion PASIDS = new KernelVersion(6, 15);
  private static final KernelVersion RECOVERY = new KernelVersion(7, 0);

  private static final Pattern TEXT = Pattern.compile("([0-9]{1,4})\\.([0-9]{1,4})(?:[.-].*)?");
  private static final Comparator<KernelVersion> ORDER =
      Comparator.comparingInt(KernelVersion::major).thenComparingInt(KernelVersion::minor);

  /// @throws IllegalArgumentException if a number is negative
  public KernelVersion {
    if (major < 0 || minor < 0) {
      throw new IllegalArgumentException("No Linux release: " + major + "." + minor);
    }
  }

  /// Reads `7.3`, also with what `uname -r` has behind it; empty if the text is anything else.
  public static Optional<KernelVersion> parse(String text) {
    Matcher m = TEXT.matcher(text);
    return m.matches()
        ? Optional.of(new KernelVersion(Integer.parseInt(m.group(1)), Integer.parseInt(m.group(2))))
        : Optional.empty();
  }

  /// True if the mainline requests take PASIDs.
  boolean hasPasids() {
    return compareTo(PASIDS) >= 0;
  }

  /// True if attaching while a function is being reset is refused.
  boolean refusesDuringReset() {
    return compareTo(RECOVERY) >= 0;
  }

  @Override
  public int compareTo(KernelVersion other) {
    return ORDER.compare(this, other);
  }

  /// As in `7.3`.
  @Override
  public String toString() {
    return major + "." + minor;
  }
}
