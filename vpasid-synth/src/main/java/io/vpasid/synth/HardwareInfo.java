package io.vpasid.synth;

import io.vpasid.pci.capability.PasidSizes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// PASID support of the host for one device, as IOMMU_GET_HW_INFO reports it.
///
/// @param maxPasidLog2 `out_max_pasid_log2`: PASIDs of the device have this many bits; 0 means that
///   PASIDs cannot be used. 0 to 255, as the field is a byte; more than 20 is more than PCI Express
///   knows
/// @param exec IOMMU_HW_CAP_PCI_PASID_EXEC: execute permission is enabled at the device
/// @param priv IOMMU_HW_CAP_PCI_PASID_PRIV: privileged mode is enabled at the device
/// @param ats no IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED: a virtual ATS capability may be shown
public record HardwareInfo(int maxPasidLog2, boolean exec, boolean priv, boolean ats) {

  /// The widest PASID of PCI Express, in bits (PCI Express Base Specification 7.0, section
  /// 7.8.9.2).
  public static final int MAX_WIDTH = PasidSizes.MAX_WIDTH;

  /// A host that reports no PASID.
  public static final HardwareInfo NONE = new HardwareInfo(0, false, false, true);

  /// @throws IllegalArgumentException if the width is not a byte's value
  public HardwareInfo {
    if ((maxPasidLog2 & ~0xff) != 0) {
      throw new IllegalArgumentException("out_max_pasid_log2 is a byte, not " + maxPasidLog2);
    }
  }

  /// Reads `none` or a list such as `width=20,exec,priv,no-ats`.
  ///
  /// @throws IllegalArgumentException if the text is anything else; the message says what it should
  ///   be
  public static HardwareInfo parse(String text) {
    if (text.equals("none")) {
      return NONE;
    }
    int width = -1;
    boolean exec = false;
    boolean priv = false;
    boolean ats = true;
    for (String word : text.split(",", -1)) {
      switch (word) {
        case "exec" -> exec = true;
        case "priv" -> priv = true;
        case "no-ats" -> ats = false;
        default -> width = parseWidth(word, text);
      }
    }
    if (width < 0) {
      throw new IllegalArgumentException(
          "Hardware info '" + text + "' names no width: write none, or width=N[,exec][,priv]");
    }
    return new HardwareInfo(width, exec, priv, ats);
  }

  private static int parseWidth(String word, String text) {
    if (word.matches("width=[0-9]{1,2}")) {
      int width = Integer.parseInt(word.substring("width=".length()));
      if (width <= MAX_WIDTH) {
        return width;
      }
    }
    throw new IllegalArgumentException(
        String.format(
            Locale.ROOT,
            "Hardware info '%s' has '%s': write none, or width=N[,exec][,priv][,no-ats] with N from"
                + " 0 to 20",
            text,
            word));
  }

  /// The form that [#parse] reads.
  @Override
  public String toString() {
    if (maxPasidLog2 == 0 && !exec && !priv && ats) {
      return "none";
    }
    List<String> words = new ArrayList<>();
    words.add(String.format(Locale.ROOT, "width=%d", maxPasidLog2));
    if (exec) {
      words.add("exec");
    }
    if (priv) {
      words.add("priv");
    }
    if (!ats) {
      words.add("no-ats");
    }
    return String.join(",", words);
  }
}
