package io.vpasid.synth.preflight;

import io.vpasid.pci.PciId;

/// The functions that Linux takes to be isolated, or not, whatever their ACS capability says.
///
/// The ids are those of the table `pci_dev_acs_enabled` in `drivers/pci/quirks.c` of Linux 6.18, as
/// far as it matters for redirecting requests and forwarding upstream.
final class AcsExceptions {

  /// The word of the table.
  enum Ruling {
    /// Isolated: the capability is not looked at.
    ISOLATED,
    /// It may excuse a function that fails by its capability.
    MAY_EXCUSE,
    /// It decides either way, by more than is known here.
    UNDECIDED,
    /// Nothing: the capability decides.
    NONE
  }

  private static final int AMAZON_ANNAPURNA = 0x1c36;
  private static final int AMCC = 0x10e8;
  private static final int AMPERE = 0x1def;
  private static final int BROADCOM = 0x14e4;
  private static final int CAVIUM = 0x177d;
  private static final int EMULEX = 0x10df;
  private static final int EMULEX_SERVER_ENGINES = 0x19a2;
  private static final int HXT = 0x1dbf;
  private static final int INTEL = 0x8086;
  private static final int LOONGSON = 0x0014;
  private static final int NXP = 0x1957;
  private static final int QUALCOMM = 0x17cb;
  private static final int SOLARFLARE = 0x1924;
  private static final int WANGXUN = 0x8088;
  private static final int ZHAOXIN = 0x1d17;

  private AcsExceptions() {}

  static Ruling of(LinuxFunction function) {
    PciId id = function.config().id();
    boolean isIntegratedByIntel =
        id.vendor() == INTEL && function.portType() == LinuxFunction.ROOT_COMPLEX_ENDPOINT;
    if (isIntegratedByIntel || isIsolatedDevice(id)) {
      return Ruling.ISOLATED;
    }
    boolean isPort =
        function.portType() == LinuxFunction.ROOT_PORT
            || function.portType() == LinuxFunction.DOWNSTREAM_PORT;
    if (id.vendor() == WANGXUN || (isPort && id.vendor() == ZHAOXIN)) {
      return Ruling.UNDECIDED;
    }
    return isPort && hasExceptionalPorts(id.vendor()) ? Ruling.MAY_EXCUSE : Ruling.NONE;
  }

  /// Functions of multi-function devices that, their vendors say, do not talk to each other.
  private static boolean isIsolatedDevice(PciId id) {
    return switch (id.vendor()) {
      case SOLARFLARE -> isOneOf(id, 0x0903, 0x0923, 0x0a03);
      case INTEL ->
          isOneOf(
              id, 0x105e, 0x105f, 0x1060, 0x10a7, 0x10a9, 0x10c6, 0x10c9, 0x10d6, 0x10d9, 0x10db,
              0x10dd, 0x10e1, 0x10e6, 0x10e7, 0x10e8, 0x10f1, 0x10f7, 0x10f8, 0x10f9, 0x10fa,
              0x10fb, 0x10fc, 0x1507, 0x1509, 0x150a, 0x150d, 0x150e, 0x150f, 0x1510, 0x1511,
              0x1514, 0x1516, 0x1518, 0x151c, 0x1521, 0x1522, 0x1523, 0x1524, 0x1526, 0x1527,
              0x1529, 0x152a, 0x154d, 0x154f, 0x1551, 0x1558, 0x15b7, 0x15b8);
      case EMULEX_SERVER_ENGINES -> isOneOf(id, 0x0710);
      case EMULEX -> isOneOf(id, 0x0720);
      case CAVIUM -> isOneOf(id, 0xa026, 0xa059, 0xa060);
      case BROADCOM -> isOneOf(id, 0x16d7, 0x1750, 0x1751, 0x1752, 0x1760, 0x1761, 0x1762, 0x1763);
      case ZHAOXIN -> isOneOf(id, 0x3038, 0x3104, 0x9083);
      case WANGXUN ->
          (id.device() & 0xfff0) == 0x0100
              || isOneOf(id, 0x1001, 0x2001, 0x5010, 0x5025, 0x5040, 0x5110, 0x5125, 0x5140);
      default -> false;
    };
  }

  private static boolean isOneOf(PciId id, int... devices) {
    for (int device : devices) {
      if (id.device() == device) {
        return true;
      }
    }
    return false;
  }

  private static boolean hasExceptionalPorts(int vendor) {
    return switch (vendor) {
      case AMAZON_ANNAPURNA, AMCC, AMPERE, BROADCOM, CAVIUM, HXT, INTEL, LOONGSON -> true;
      case NXP, QUALCOMM -> true;
      default -> false;
    };
  }
}
